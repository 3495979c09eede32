import type { Refusal } from './failure.ts'
import { type AnswerHeaders, upstreamWait } from './upstream-wait.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * What a refusal says, by its status, its body and its headers. The body is read where it is JSON in a form that is
 * known; whatever it is, nothing is thrown.
 */
export function classify(status: number, bodyText: string, headers: AnswerHeaders, now: number): Refusal {
  const error = errorOf(bodyText)
  const wait = upstreamWait(status, headers, now)
  const subtype = subtypeOf(status, error) ?? (wait.suspendMs === undefined ? undefined : 'QUOTA_EXHAUSTED')
  const resetSeconds = subtype === 'model_cooldown' ? Number(error['reset_seconds'] ?? Number.NaN) : Number.NaN
  return {
    status,
    ...(subtype !== undefined && { subtype }),
    ...wait,
    ...(resetSeconds >= 0 && { waitMs: resetSeconds * 1000 }),
  }
}

function errorOf(bodyText: string): Json {
  let body: unknown
  try {
    body = JSON.parse(bodyText)
  } catch {
    return {}
  }
  if (!isObject(body)) return {}
  const { error } = isObject(body['response']) ? body['response'] : body // of a stream of OpenAI's responses
  return isObject(error) ? error : { message: error, ...body }
}

/** Those of system C, and OpenAI's word for an account that has nothing left, which no waiting changes. */
function subtypeOf(status: number, error: Json): string | undefined {
  if (status === 403) return isOutOfCredit(error['message']) ? 'CREDIT_EXHAUSTED' : undefined
  if (status !== 429) return undefined
  const isResource = error['status'] === 'RESOURCE_EXHAUSTED'
  if (isResource && reasonsOf(error).includes('QUOTA_EXHAUSTED')) return 'QUOTA_EXHAUSTED'
  if (error['code'] === 'insufficient_quota' || error['type'] === 'insufficient_quota') return 'QUOTA_EXHAUSTED'
  if (error['code'] === 'model_cooldown') return 'model_cooldown'
  return isResource ? 'RESOURCE_EXHAUSTED' : undefined
}

function reasonsOf({ details }: Json): readonly unknown[] {
  return Array.isArray(details)
    ? details.map((detail: unknown) => (isObject(detail) ? detail['reason'] : undefined))
    : []
}

function isOutOfCredit(message: unknown): boolean {
  if (typeof message !== 'string') return false
  const text = message.toLowerCase()
  const insufficient = text.indexOf('insufficient')
  return text.includes('quota is not enough') || (insufficient !== -1 && text.includes('quota', insufficient))
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Types of Anthropic's errors (https://docs.anthropic.com/en/api/errors), and types and codes of OpenAI's
 * (https://platform.openai.com/docs/guides/error-codes).
 */
const statuses: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
  ['context_length_exceeded', 400],
  ['invalid_api_key', 401],
  ['model_not_found', 404],
  ['requests', 429],
  ['tokens', 429],
  ['rate_limit_exceeded', 429],
  ['insufficient_quota', 429],
  ['server_error', 500],
])

/**
 * The status that an error in a stream would have had as an answer. OpenAI's many codes for input that cannot be used
 * (`invalid_prompt`, `image_too_large`) are the caller's fault; an error that nobody knows is the upstream's.
 */
export function statusOfErrorType(type: string): number {
  return statuses.get(type) ?? (type.startsWith('invalid_') || type.includes('image') ? 400 : 502)
}
