import type { ServerResponse } from 'node:http'
import type { Dialect } from '../domain/endpoint.ts'
import { GatewayError } from '../domain/errors.ts'
import { errorBody } from './error-body.ts'

/** Told of every refusal and every surprise, once. */
export type ReportError = (error: GatewayError, requestId: string) => void

/** The only place where an error becomes a response. */
export function sendError(
  res: ServerResponse,
  error: GatewayError,
  { dialect, requestId, headers }: { dialect: Dialect; requestId: string; headers?: Readonly<Record<string, string>> },
): void {
  const body = Buffer.from(JSON.stringify(errorBody(error, dialect, requestId)))
  const { retryAfterMs } = error.particulars
  res.writeHead(error.status, {
    ...headers,
    ...error.particulars.headers,
    'content-type': 'application/json',
    'content-length': body.length,
    'x-request-id': requestId,
    ...(retryAfterMs === undefined ? {} : { 'retry-after': retryAfterSeconds(retryAfterMs) }),
  })
  res.end(body)
}

/** Rounded up and at least 1: an early retry would be refused again. */
export function retryAfterSeconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)))
}

/** What was thrown, as a refusal: everything that is not one already is ours. */
export function asGatewayError(thrown: unknown): GatewayError {
  return thrown instanceof GatewayError ? thrown : new GatewayError('internal', { cause: thrown })
}
