import type { z } from 'zod'
import { type FieldProblem, GatewayError } from '../domain/errors.ts'

/** A caller chooses how many fields are wrong, and what they are called. */
const MAX_PROBLEMS = 20
const MAX_CHARS = 200

/** A refusal for what a request says. */
export function requestInvalid(problems: readonly FieldProblem[]): GatewayError {
  const details = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ field, message }) => ({ field: field.slice(0, MAX_CHARS), message: message.slice(0, MAX_CHARS) }))
  return new GatewayError('request_invalid', { details })
}

/** zod's own sentence speaks of what it expected, and not of what is wrong. */
export const readable: z.core.ParseContext<z.core.$ZodIssue> = {
  error: ({ input }) => (input === undefined ? 'This field is missing.' : undefined),
}

/** What zod found. Its sentences say what was expected, and never what was there: that may be a secret. */
export function problemsIn({ issues }: z.core.$ZodError): readonly FieldProblem[] {
  return issues.slice(0, MAX_PROBLEMS).flatMap((issue): FieldProblem[] => {
    const field = issue.path.map(String)
    if (issue.code !== 'unrecognized_keys') return [{ field: field.join('.'), message: issue.message }]
    return issue.keys.slice(0, MAX_PROBLEMS).map((key) => ({
      field: [...field, key].join('.'),
      message: 'This field is not known here.',
    }))
  })
}
