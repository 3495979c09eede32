import type { IncomingMessage } from 'node:http'
import { ulid } from '../domain/ulid.ts'

/** The caller's `X-Request-Id` if it is short and plain enough for a log line, else a new one. */
export function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && /^[\w.:/+=-]{1,128}$/.test(given) ? given : ulid()
}
