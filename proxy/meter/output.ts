import type { Protocol } from '../domain/endpoint.ts'

interface EventJson {
  readonly type?: unknown
  readonly choices?: unknown
}

/** What a stream says before it says anything: the upstream has accepted the call, and may still fail at it. */
const preambles: ReadonlySet<unknown> = new Set([
  'message_start',
  'ping',
  'content_block_start',
  'response.created',
  'response.queued',
  'response.in_progress',
  'keepalive',
])

/**
 * Whether an event is of the answer itself. Until then another channel can answer in its place, since nothing that a
 * caller could keep has been said. A proper end counts: an answer may be empty.
 */
export function isOutput(json: EventJson, protocol: Protocol): boolean {
  if (protocol !== 'chat' && protocol !== 'completions') return !preambles.has(json.type)
  if (!Array.isArray(json.choices)) return false
  return json.choices.length === 0 || json.choices.some(saysSomething)
}

/** A choice begins with its role and an empty text. */
function saysSomething(choice: unknown): boolean {
  const { text, delta, finish_reason: end } = (choice ?? {}) as Readonly<Record<string, unknown>> // safe: read only
  if (end !== undefined && end !== null) return true
  if (typeof text === 'string') return text !== ''
  return Object.entries(delta ?? {}).some(([name, value]) => name !== 'role' && value !== null && value !== '')
}
