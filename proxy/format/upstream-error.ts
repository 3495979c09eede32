import type { Format } from './format.ts'
import { isObject, type Json, objectOf, textOf } from './json.ts'

/** An error of an upstream, in no format. */
export interface UpstreamError {
  readonly kind: Kind
  readonly message: string
  /** OpenAI's, such as `context_length_exceeded`. */
  readonly code: string | undefined
}

/**
 * Anthropic's type (https://docs.claude.com/en/api/errors), OpenAI's type and code
 * (https://platform.openai.com/docs/guides/error-codes), and the status that goes with them.
 */
const kinds = {
  invalid: { anthropic: 'invalid_request_error', openai: 'invalid_request_error', code: null, status: 400 },
  authentication: {
    anthropic: 'authentication_error',
    openai: 'authentication_error',
    code: 'invalid_api_key',
    status: 401,
  },
  billing: { anthropic: 'billing_error', openai: 'insufficient_quota', code: 'insufficient_quota', status: 402 },
  permission: { anthropic: 'permission_error', openai: 'permission_error', code: null, status: 403 },
  unknown: { anthropic: 'not_found_error', openai: 'not_found_error', code: null, status: 404 },
  large: { anthropic: 'request_too_large', openai: 'request_too_large', code: null, status: 413 },
  rate: { anthropic: 'rate_limit_error', openai: 'rate_limit_exceeded', code: 'rate_limit_exceeded', status: 429 },
  server: { anthropic: 'api_error', openai: 'server_error', code: 'server_error', status: 500 },
  timeout: { anthropic: 'timeout_error', openai: 'timeout', code: 'timeout', status: 504 },
  overloaded: { anthropic: 'overloaded_error', openai: 'server_error', code: 'server_is_overloaded', status: 529 },
} as const

type Kind = keyof typeof kinds
// safe: the keys are those of the table
const known = Object.entries(kinds) as readonly [Kind, (typeof kinds)[Kind]][]

/** The error in the body of an answer that is no success; `text` may be anything. */
export function readErrorBody(status: number, text: string): UpstreamError {
  const error = readError(
    parse(text),
    `The upstream answered with status ${status}.`,
    status < 500 ? 'invalid' : 'server',
  )
  const exact = known.find(([, each]) => each.status === status)
  return exact ? { ...error, kind: exact[0] } : error
}

/**
 * Reads any of the forms: Anthropic's and OpenAI's body, OpenAI's error event, the `error` of a failed response.
 * `message` and `kind` stand for what it does not tell.
 */
export function readError(
  value: unknown,
  message = 'The upstream reported an error.',
  kind: Kind = 'server',
): UpstreamError {
  const body = objectOf(value)
  const error = isObject(body['error']) ? body['error'] : body
  const code = textOf(error['code'])
  return {
    kind: kindNamed(code) ?? kindNamed(textOf(error['type'])) ?? kind,
    message: textOf(error['message']) ?? textOf(body['error']) ?? message,
    code,
  }
}

function kindNamed(name: string | undefined): Kind | undefined {
  return known.find(([, { anthropic, openai, code }]) => name === anthropic || name === openai || name === code)?.[0]
}

/** The body of an error for a caller of `format`. */
export function writeErrorBody({ kind, message, code }: UpstreamError, format: Format): Json {
  const names = kinds[kind]
  if (format === 'messages') return { type: 'error', error: { type: names.anthropic, message } }
  return { error: { message, type: names.openai, param: null, code: code ?? names.code } }
}

/** An error as an event of a Responses stream (https://platform.openai.com/docs/api-reference/responses-streaming/error). */
export function writeErrorEvent({ kind, message, code }: UpstreamError): Json {
  return { code: code ?? kinds[kind].code ?? kinds[kind].openai, message, param: null }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
