/** The variables of the process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Something that could not be done, for a reason that is the whole story: told in one sentence, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
