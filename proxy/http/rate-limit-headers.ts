import type { KeyUnit } from '../domain/lease.ts'
import type { LimitStanding } from '../domain/limit-standing.ts'

/**
 * What an answer tells of the limits of its key: requests under the names that proxies use, tokens under OpenAI's and
 * Anthropic's, for each SDK reads its own. Times are rounded up: who comes back early is refused again.
 */
export function rateLimitHeaders(standings: readonly LimitStanding[], now: number): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const { unit, limit, left, endsAt } of standings) {
    if (unit !== 'requests' && unit !== 'tokens') continue
    const remaining = String(Math.max(0, Math.floor(left)))
    const resetAt = Math.ceil(Math.max(now, endsAt) / 1000)
    if (unit === 'requests') {
      headers['x-ratelimit-limit'] = String(limit)
      headers['x-ratelimit-remaining'] = remaining
      headers['x-ratelimit-reset'] = String(resetAt)
      continue
    }
    headers['x-ratelimit-limit-tokens'] = headers['anthropic-ratelimit-tokens-limit'] = String(limit)
    headers['x-ratelimit-remaining-tokens'] = headers['anthropic-ratelimit-tokens-remaining'] = remaining
    headers['x-ratelimit-reset-tokens'] = durationText(Math.max(0, Math.ceil(endsAt - now)))
    headers['anthropic-ratelimit-tokens-reset'] = `${new Date(resetAt * 1000).toISOString().slice(0, -'.000Z'.length)}Z`
  }
  return headers
}

const units: readonly KeyUnit[] = ['requests', 'tokens']

/** All of them, for who has to name them in advance. */
export const rateLimitHeaderNames: readonly string[] = Object.keys(
  rateLimitHeaders(
    units.map((unit) => ({ unit, limit: 0, left: 0, endsAt: 0 })),
    0,
  ),
)

/** As Go, and so OpenAI, writes a duration: `6m0s`, `1.5s`, `20ms`. */
function durationText(ms: number): string {
  if (ms > 0 && ms < 1000) return `${ms}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = `${(ms % 60_000) / 1000}s`
  if (minutes === 0) return seconds
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`
}
