import { GatewayError } from '../domain/errors.ts'

/** What a connection that never came about failed of, by the codes of Node and of undici (https://undici.nodejs.org/#/docs/api/Errors). */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host name could not be resolved',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  FORBIDDEN_ADDRESS: 'its address is link-local or a metadata service, which are not called',
}

/** How far an exchange had come. */
export type Progress = 'unsent' | 'sent' | 'answered'

/** Says in the catalogue's words why an upstream exchange failed. Only an unsent call is certain to have cost nothing. */
export function toGatewayError(
  error: Error & { readonly code?: unknown },
  channel: string,
  progress: Progress,
): GatewayError {
  if (error instanceof GatewayError) return error
  const code = typeof error.code === 'string' ? error.code : ''
  const detail = `${channel}: ${code || error.message}`
  if (progress === 'unsent') return unreachable(reasonOf(code), detail, error)
  const isTimeout = code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT'
  return new GatewayError(isTimeout ? 'upstream_timeout' : 'upstream_broken', { detail, cause: error })
}

function reasonOf(code: string): string {
  const isTls = /TLS|SSL|CERT|SIGNATURE|EPROTO/.test(code)
  return reasons[code] ?? (isTls ? 'no secure connection could be made' : 'no connection could be made')
}

/** The error object of system A. */
function unreachable(reason: string, detail: string, cause: Error): GatewayError {
  const message = `Upstream request failed: ${reason}`
  const legacy = { message, type: 'upstream_error' }
  return new GatewayError('upstream_unreachable', { message, legacy, detail, cause, isUnbilled: true })
}
