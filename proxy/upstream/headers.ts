import type { IncomingHttpHeaders } from 'node:http'
import type { Headers } from '../domain/sink.ts'

/**
 * What of the caller's headers a provider gets to see. A list of what may pass rather than of what may not: cookies,
 * addresses and whatever a proxy in front adds are nobody else's business.
 */
const forwarded = [
  'accept',
  'anthropic-beta',
  'content-type',
  'idempotency-key',
  'openai-beta',
  'user-agent',
  'x-client-request-id',
] as const

export function requestHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {
    // An answer must be readable for its usage: asking for none is cheaper than undoing it.
    'accept-encoding': 'identity',
  }
  for (const name of forwarded) {
    const value = headers[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}

/** Hop-by-hop (RFC 9110 section 7.6.1), the connection's own, and what tells of the shared upstream account. */
const withheld = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'alt-svc',
  'date',
  'server',
  'set-cookie',
  'strict-transport-security',
  'via',
  'x-request-id',
  'anthropic-organization-id',
  'openai-organization',
  'openai-project',
])
const withheldPrefixes = ['x-ratelimit-', 'anthropic-ratelimit-', 'ratelimit', 'access-control-', 'cf-']

/** `isDecoded`: the body is not sent on as it came, so its encoding and length are not either. */
export function responseHeaders(headers: IncomingHttpHeaders, isDecoded: boolean): Headers {
  const kept: Headers = {}
  const hopByHop = nominated(headers.connection)
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || withheld.has(name) || withheldPrefixes.some((prefix) => name.startsWith(prefix)))
      continue
    if (hopByHop?.includes(name)) continue
    if (isDecoded && (name === 'content-encoding' || name === 'content-length')) continue
    kept[name] = value
  }
  return kept
}

/** The headers that `Connection` names: they belong to it as well. */
function nominated(connection: string | undefined): readonly string[] | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  return connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
}
