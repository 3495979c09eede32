import type { IncomingMessage } from 'node:http'

/** The caller's `X-Request-Id` if it is short and plain enough for a log line, else the id that the call has here. */
export function requestIdOf(req: IncomingMessage, id: string): string {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && /^[\w.:/+=-]{1,128}$/.test(given) ? given : id
}
