import type { LimitStanding } from '../domain/limit-standing.ts'

/** Counts requests of callers by the minute, which begins with a caller's first. Each process counts for itself. */
export interface RequestCounter {
  /** One more; `left` is below 0 where that is one too many. */
  count(caller: string, limit: number, now: number): LimitStanding
}

const WINDOW_MS = 60_000
/** Whoever walks through addresses makes us forget the oldest minute, and not grow. */
const MAX_CALLERS = 10_000

export function createRequestCounter(): RequestCounter {
  /** In the order in which they began. */
  const minutes = new Map<string, { readonly endsAt: number; requests: number }>()

  const minuteOf = (caller: string, now: number) => {
    const known = minutes.get(caller)
    if (known !== undefined && now < known.endsAt) return known
    const minute = { endsAt: now + WINDOW_MS, requests: 0 }
    minutes.delete(caller)
    minutes.set(caller, minute)
    const [oldest] = minutes.keys()
    if (minutes.size > MAX_CALLERS && oldest !== undefined) minutes.delete(oldest)
    return minute
  }

  return {
    count(caller, limit, now) {
      const minute = minuteOf(caller, now)
      minute.requests += 1
      return { unit: 'requests', limit, left: limit - minute.requests, endsAt: minute.endsAt }
    },
  }
}
