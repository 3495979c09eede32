import { GatewayError } from '../domain/errors.ts'

/** Codes of Node and of undici (https://undici.nodejs.org/#/docs/api/Errors) for an upstream that never got the call. */
const unreached: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host name could not be resolved',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
}

/** Says in the catalogue's words why an upstream exchange failed. `hasBegun`: the head of the answer had come. */
export function toGatewayError(
  error: Error & { readonly code?: unknown },
  channel: string,
  hasBegun: boolean,
): GatewayError {
  if (error instanceof GatewayError) return error
  const code = typeof error.code === 'string' ? error.code : ''
  const detail = `${channel}: ${code || error.message}`
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new GatewayError('upstream_timeout', { detail, cause: error })
  }
  if (hasBegun) return new GatewayError('upstream_broken', { detail, cause: error })
  const isTls = code.startsWith('ERR_TLS') || code.includes('CERT')
  const reason = unreached[code] ?? (isTls ? 'its certificate was refused' : undefined)
  if (reason === undefined) return new GatewayError('upstream_broken', { detail, cause: error })
  return unreachable(reason, detail, error)
}

/** The error object of system A. */
function unreachable(reason: string, detail: string, cause: Error): GatewayError {
  const message = `Upstream request failed: ${reason}`
  return new GatewayError('upstream_unreachable', {
    message,
    legacy: { message, type: 'upstream_error' },
    detail,
    cause,
  })
}
