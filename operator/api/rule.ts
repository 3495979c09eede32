import type { z } from 'zod'

/**
 * What holds of a valid value, said twice: in CEL for the API server, and in TypeScript for the controller, which also
 * meets objects that are older than the rule.
 */
export interface Rule<T> {
  /** CEL (kubernetes.io/docs/reference/using-api/cel): `self` is the value, `oldSelf` the one before. */
  readonly cel: string
  /** Told to who applied the object: what is wrong, and what to write instead. */
  readonly message: string
  /** Left out where the value before is needed: only the API server knows it. */
  readonly holds?: (value: T) => boolean
}

/** The schema with these rules, for the parse here and for the document of the kind. */
export function ruled<S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S {
  const checked = rules.reduce(
    (before, { holds, message }) => (holds === undefined ? before : before.refine(holds, message)),
    schema,
  )
  return checked.meta({ 'x-kubernetes-validations': rules.map(({ cel, message }) => ({ rule: cel, message })) })
}
