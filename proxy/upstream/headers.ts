import type { IncomingHttpHeaders } from 'node:http'
import { isNamed } from '../domain/endpoint.ts'
import type { Headers } from '../domain/sink.ts'
import { ownVia } from '../domain/via.ts'

/**
 * What of the caller's headers a provider gets to see. A list of what may pass rather than of what may not: cookies,
 * addresses and whatever a proxy in front adds are nobody else's business. Neither is `idempotency-key`: the upstream
 * knows one account behind all our keys, so two callers with the same value would get each other's answers.
 */
const forwarded = [
  'accept',
  'anthropic-beta',
  'content-type',
  'openai-beta',
  'user-agent',
  'x-client-request-id',
] as const

/** `withheld`: names, in small letters, that the channel does not want to see; a `*` at the end stands for whatever follows. */
export function requestHeaders(
  headers: IncomingHttpHeaders,
  withheld: readonly string[] = [],
): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {
    // An answer must be readable for its usage: asking for none is cheaper than undoing it.
    'accept-encoding': 'identity',
    via: ownVia(headers.via),
  }
  for (const name of forwarded) {
    const value = headers[name]
    if (value !== undefined && !isNamed(name, withheld)) kept[name] = value
  }
  return kept
}

/**
 * Hop-by-hop (RFC 9110 section 7.6.1), the connection's own, and what tells of the shared upstream account. And where
 * the upstream would send its caller: an SDK goes there with the key that it has from us.
 */
const ours = new Set([
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
  'location',
  'server',
  'set-cookie',
  'strict-transport-security',
  'via',
  'x-request-id',
  'anthropic-organization-id',
  'openai-organization',
  'openai-project',
])
const limitNames = new Set(['retry-after', 'retry-after-ms'])
const limitPrefixes = ['x-ratelimit-', 'anthropic-ratelimit-', 'ratelimit']
const oursByPrefix = ['x-ratelimit-', 'anthropic-ratelimit-', 'ratelimit', 'access-control-', 'cf-']

/** `isDecoded`: the body is not sent on as it came, so its encoding and length are not either. */
export function responseHeaders(headers: IncomingHttpHeaders, isDecoded: boolean): Headers {
  const kept: Headers = {}
  const hopByHop = nominated(headers.connection)
  // Of a stream we take events out and put comments in.
  const isAsLong = !isDecoded && !headers['content-type']?.startsWith('text/event-stream')
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ours.has(name) || oursByPrefix.some((prefix) => name.startsWith(prefix))) continue
    if (hopByHop?.includes(name)) continue
    if (isDecoded && name === 'content-encoding') continue
    if (!isAsLong && name === 'content-length') continue
    kept[name] = value
  }
  return kept
}

/** What a refusal says of the limits of the upstream account, and of when to come again. */
export function limitHeaders(headers: IncomingHttpHeaders): Headers {
  const found: Headers = {}
  for (const [name, value] of Object.entries(headers)) {
    const tells = limitNames.has(name) || limitPrefixes.some((prefix) => name.startsWith(prefix))
    if (tells && value !== undefined) found[name] = value
  }
  return found
}

/** The headers that `Connection` names: they belong to it as well. */
function nominated(connection: string | undefined): readonly string[] | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  return connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
}
