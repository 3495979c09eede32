/** Headers by their names in small letters. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** How long an upstream wants to be left alone, and how long its account is of no use. */
export interface UpstreamWait {
  readonly waitMs?: number
  readonly suspendMs?: number
}

/** No window of a provider is longer than a month: what says more is a mistake, and must not last. */
const MAX_MS = 31 * 86_400_000
/** What is used up for longer than any second or minute limit lasts is not waited for. */
const SHORT_WINDOW_MS = 60_000
const ANTHROPIC = 'anthropic-ratelimit-'
const OPENAI_REMAINING = 'x-ratelimit-remaining-'

/**
 * What the headers of a refusal say. `retry-after-ms` and `Retry-After` (RFC 9110, section 10.2.3) win; else, with a
 * 429, the latest reset of those limits of which nothing remains.
 */
export function upstreamWait(status: number, headers: AnswerHeaders, now: number): UpstreamWait {
  const told = numberOf(valueOf(headers, 'retry-after-ms')) ?? retryAfterMs(valueOf(headers, 'retry-after'), now)
  if (status !== 429) return told === undefined ? {} : { waitMs: bounded(told) }

  const listed = listedResets(headers)
  const waits = [...anthropicResets(headers, now), ...openaiResets(headers), ...listed].filter((ms) => ms !== undefined)
  const waitMs = told ?? (waits.length > 0 ? Math.max(...waits) : undefined)
  const longest = Math.max(0, ...listed)
  return {
    ...(waitMs !== undefined && { waitMs: bounded(waitMs) }),
    ...(longest > SHORT_WINDOW_MS && { suspendMs: bounded(longest) }),
  }
}

function retryAfterMs(value: string | undefined, now: number): number | undefined {
  const seconds = numberOf(value)
  return seconds === undefined ? untilDate(value, now) : seconds * 1000
}

/**
 * Anthropic's limits (https://docs.anthropic.com/en/api/rate-limits#response-headers) say what remains and, in RFC 3339,
 * when they are full again; the unified ones of subscriptions whether they reject, and the time in seconds of the epoch.
 */
function anthropicResets(headers: AnswerHeaders, now: number): (number | undefined)[] {
  return Object.keys(headers).flatMap((name) => {
    if (!name.startsWith(ANTHROPIC)) return []
    const isReached =
      (name.endsWith('-remaining') && numberOf(valueOf(headers, name)) === 0) ||
      (name.endsWith('-status') && valueOf(headers, name) === 'rejected')
    if (!isReached) return []
    const reset = valueOf(headers, `${name.slice(0, name.lastIndexOf('-'))}-reset`)
    const epochSeconds = numberOf(reset)
    return [epochSeconds === undefined ? untilDate(reset, now) : Math.max(0, epochSeconds * 1000 - now)]
  })
}

/** OpenAI's limits, and those of who imitates it (https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers). */
function openaiResets(headers: AnswerHeaders): (number | undefined)[] {
  return Object.keys(headers).flatMap((name) => {
    if (!name.startsWith(OPENAI_REMAINING) || numberOf(valueOf(headers, name)) !== 0) return []
    return [durationMs(valueOf(headers, `x-ratelimit-reset-${name.slice(OPENAI_REMAINING.length)}`))]
  })
}

/**
 * Brave's limits are lists with a place for each window, of a second and of a month, with seconds until their reset
 * (https://api-dashboard.search.brave.com/app/documentation/web-search/response-headers). A window without a limit
 * has 0 for it, and 0 remaining.
 */
function listedResets(headers: AnswerHeaders): number[] {
  const remaining = listOf(valueOf(headers, 'x-ratelimit-remaining'))
  if (remaining.length < 2) return []
  const limits = listOf(valueOf(headers, 'x-ratelimit-limit'))
  const resets = listOf(valueOf(headers, 'x-ratelimit-reset'))
  return remaining.flatMap((left, index) => {
    const seconds = resets[index]
    return left === 0 && limits[index] !== 0 && seconds !== undefined ? [seconds * 1000] : []
  })
}

function valueOf(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

function listOf(value: string | undefined): (number | undefined)[] {
  return value === undefined ? [] : value.split(',').map(numberOf)
}

/** Undefined for what is no number from 0 up. */
function numberOf(value: string | undefined): number | undefined {
  return value !== undefined && /^\s*\d{1,15}(?:\.\d{1,9})?\s*$/.test(value) ? Number(value) : undefined
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Of `6m0s`, `20ms` or `1.5s`; a number alone is seconds, as Azure sends it. */
function durationMs(value: string | undefined): number | undefined {
  const seconds = numberOf(value)
  if (seconds !== undefined) return seconds * 1000
  if (value === undefined || !/^(?:\d{1,15}(?:\.\d{1,9})?(?:ms|[smhd])){1,5}$/.test(value)) return undefined
  const parts = value.matchAll(/(?<amount>[\d.]+)(?<unit>ms|[smhd])/g)
  return [...parts].reduce(
    (sum, { groups }) => sum + Number(groups?.['amount']) * (unitMs[groups?.['unit'] ?? ''] ?? 0),
    0,
  )
}

/** What else `Date.parse` takes for a date is in some zone of its own. */
const DATE = /^(?:[a-z]{3,9}, [\w :-]{1,40} GMT|\d{4}-\d\d-\d\dT[\d:.]{1,24}(?:Z|[+-]\d\d:\d\d))$/i

function untilDate(value: string | undefined, now: number): number | undefined {
  const at = value !== undefined && DATE.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

function bounded(ms: number): number {
  return Math.min(Math.ceil(ms), MAX_MS)
}
