import type { AnswerContext, Format } from './format.ts'
import type { Heading } from './answer.ts'

const prefixes: Readonly<Record<Format, string>> = { messages: 'msg_', chat: 'chatcmpl-', responses: 'resp_' }
const OTHERS = /^(?:msg|chatcmpl|cmpl|resp|gen)[-_]/
const MAX_LENGTH = 64

/** The upstream's id with the prefix that the caller's format has. */
export function answerId(format: Format, heading: Heading, context: AnswerContext): string {
  return prefixes[format] + coreId(heading, context)
}

/** What the ids of an answer and of its items have in common. */
export function coreId({ id }: Heading, context: AnswerContext): string {
  return (id || context.id).replace(OTHERS, '').slice(0, MAX_LENGTH)
}
