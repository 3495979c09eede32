import type { Span, KeyUnit } from '../domain/lease.ts'

const HOUR_MS = 3_600_000

export const TOKEN_WINDOW: Span = { bucketMs: 60_000, lengthMs: 5 * HOUR_MS }
export const REQUEST_WINDOW: Span = { bucketMs: 1000, lengthMs: 60_000 }

const rolling: Readonly<Record<KeyUnit, Span>> = {
  tokens: TOKEN_WINDOW,
  requests: REQUEST_WINDOW,
  usd_5h: TOKEN_WINDOW,
  usd_day: { bucketMs: HOUR_MS, lengthMs: 24 * HOUR_MS },
  usd_month: { bucketMs: HOUR_MS, lengthMs: 30 * 24 * HOUR_MS },
}

/** Five hours are no period of a calendar. */
export function spanOf(unit: KeyUnit, isCalendar: boolean): Span {
  if (isCalendar && unit === 'usd_day') return { ...rolling.usd_day, period: 'day' }
  if (isCalendar && unit === 'usd_month') return { ...rolling.usd_month, period: 'month' }
  return rolling[unit]
}
