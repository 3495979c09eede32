import type { QuotaReset } from '../domain/channel.ts'

/** The time in which usage counts against a quota. */
export interface QuotaPeriod {
  /** When it was last reset; null if never. */
  readonly startsAt: number | null
  /** When it is reset next; null where that depends on the next call. */
  readonly resetsAt: number | null
}

const HOUR_MS = 3_600_000
const unitMs = { hours: HOUR_MS, days: 24 * HOUR_MS, weeks: 7 * 24 * HOUR_MS } as const

/**
 * The period of a quota at `now`. `firstCallAt` is the first call since the last reset, which only a rolling quota
 * asks for; null if there was none.
 */
export function quotaPeriod(reset: QuotaReset, firstCallAt: number | null, now: number): QuotaPeriod {
  if (now < reset.at) return { startsAt: null, resetsAt: reset.at }
  return reset.mode === 'fixed' ? fixedPeriod(reset, now) : rollingPeriod(reset, firstCallAt, now)
}

function fixedPeriod(reset: QuotaReset, now: number): QuotaPeriod {
  const whole = Math.floor(unitsBetween(reset, now) / reset.every)
  // The month has come, and perhaps not yet its day.
  const count = after(reset, reset.at, whole) <= now ? whole : whole - 1
  return { startsAt: after(reset, reset.at, count), resetsAt: after(reset, reset.at, count + 1) }
}

function rollingPeriod(reset: QuotaReset, firstCallAt: number | null, now: number): QuotaPeriod {
  if (firstCallAt === null) return { startsAt: null, resetsAt: null }
  const resetsAt = firstCallAt < reset.at ? reset.at : after(reset, firstCallAt, 1)
  return resetsAt <= now ? { startsAt: resetsAt, resetsAt: null } : { startsAt: firstCallAt, resetsAt }
}

function unitsBetween({ at, unit }: QuotaReset, now: number): number {
  if (unit !== 'months') return (now - at) / unitMs[unit]
  const [from, to] = [new Date(at), new Date(now)]
  return (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth()
}

/** So many intervals after `from`. Counted from there each time: after a short month the day is the old one again. */
function after({ every, unit }: QuotaReset, from: number, count: number): number {
  return unit === 'months' ? monthsAfter(from, count * every) : from + count * every * unitMs[unit]
}

function monthsAfter(from: number, months: number): number {
  const date = new Date(from)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  const lastDay = new Date(Date.UTC(year, month + months + 1, 0)).getUTCDate()
  return from + Date.UTC(year, month + months, Math.min(day, lastDay)) - Date.UTC(year, month, day)
}
