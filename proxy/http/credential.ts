import type { IncomingHttpHeaders } from 'node:http'

/** Names under which a key may stand in a query string: ours, and the one that Google's clients use. */
const QUERY_NAMES = new Set(['api_key', 'key'])

/** The caller's key: `Authorization` (the word Bearer is optional), else `x-api-key`, else `?api_key=`. */
export function credentialOf(headers: IncomingHttpHeaders, search: string): string | undefined {
  const { authorization } = headers
  if (authorization !== undefined) return authorization.replace(/^bearer(?:\s+|$)/i, '').trim()
  const header = headers['x-api-key']
  if (typeof header === 'string') return header.trim()
  return search === '' ? undefined : (new URLSearchParams(search).get('api_key')?.trim() ?? undefined)
}

/** The query without keys, its other bytes as they were. */
export function withoutCredentials(search: string): string {
  if (search.length < 2) return ''
  const kept = search
    .slice(1)
    .split('&')
    .filter((pair) => !QUERY_NAMES.has(nameOf(pair)))
  return kept.length === 0 ? '' : `?${kept.join('&')}`
}

function nameOf(pair: string): string {
  return new URLSearchParams(pair).keys().next().value ?? ''
}
