import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Dialect } from '../domain/endpoint.ts'
import { GatewayError } from '../domain/errors.ts'
import { errorBody } from './error-body.ts'

const LINGER_MS = 10_000
/** Longer than this nobody waits without a word. */
const MAX_SAT_OUT_MS = 60_000

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
  const isUnread = !isRead(res.req)
  if (isUnread) res.shouldKeepAlive = false
  res.writeHead(error.status, {
    ...headers,
    ...error.particulars.headers,
    'content-type': 'application/json',
    'content-length': body.length,
    'x-request-id': requestId,
    ...(retryAfterMs === undefined ? {} : retryHeaders(retryAfterMs)),
  })
  if (isUnread) endWhenRead(res, body)
  else res.end(body)
}

function isRead({ complete, headers }: IncomingMessage): boolean {
  return complete || (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0)
}

/**
 * A client that is still sending would lose the answer: closing a connection with unread bytes resets it. So the rest of
 * the request is read and dropped (as nginx's lingering_close does), for a while.
 */
function endWhenRead(res: ServerResponse, body: Buffer): void {
  const { req } = res
  const end = (): void => {
    clearTimeout(timer)
    res.end()
  }
  const timer = setTimeout(end, LINGER_MS)
  req.once('end', end)
  res.once('close', () => clearTimeout(timer))
  res.write(body)
  req.resume()
}

/**
 * Rounded up and at least 1: an early retry would be refused again. The SDKs of Anthropic and OpenAI sit out whatever is told,
 * be it hours, before their caller hears of it, unless the header tells them not to that both look at first.
 */
function retryHeaders(ms: number): Readonly<Record<string, string>> {
  const retryAfter = { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) }
  return ms > MAX_SAT_OUT_MS ? { ...retryAfter, 'x-should-retry': 'false' } : retryAfter
}

/** What was thrown, as a refusal: everything that is not one already is ours. */
export function asGatewayError(thrown: unknown): GatewayError {
  return thrown instanceof GatewayError ? thrown : new GatewayError('internal', { cause: thrown })
}
