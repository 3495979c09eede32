/** What was asked for, on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** The options of a command that writes. */
export interface WriteOptions {
  readonly json?: true
  readonly dryRun?: true
}
