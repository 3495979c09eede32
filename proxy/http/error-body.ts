import type { Dialect, Protocol } from '../domain/endpoint.ts'
import type { GatewayError } from '../domain/errors.ts'

type Json = Readonly<Record<string, unknown>>

/** https://docs.anthropic.com/en/api/errors */
const anthropicTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
}

/** https://platform.openai.com/docs/guides/error-codes; `code` carries the exact reason. */
const openaiTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_exceeded',
}

/** An error as the caller's SDK expects it; where system A had a value for `error`, that value with ours beside it. */
export function errorBody(error: GatewayError, dialect: Dialect, requestId: string): Json {
  const { code, message, status, particulars } = error
  const { details } = particulars
  const ours = { code, message, request_id: requestId, ...(details && { details }) }
  if (particulars.legacy !== undefined) {
    return { ...(dialect === 'anthropic' ? { type: 'error' } : {}), error: particulars.legacy, ...ours }
  }
  if (dialect === 'anthropic') {
    const type = anthropicTypes[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
    return { type: 'error', error: { type, message }, ...ours }
  }
  const type = openaiTypes[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error')
  return { error: { message, type, param: null, code }, ...ours }
}

/** The same as the last event of a stream that has begun. */
export function errorEvent(error: GatewayError, dialect: Dialect, protocol: Protocol, requestId: string): string {
  if (protocol === 'responses') {
    const { code, message } = error
    return event('error', { type: 'error', code, message, param: null, request_id: requestId })
  }
  const body = errorBody(error, dialect, requestId)
  return dialect === 'anthropic' ? event('error', body) : `data: ${JSON.stringify(body)}\n\n`
}

function event(name: string, data: Json): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
