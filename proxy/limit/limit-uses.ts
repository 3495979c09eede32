import type { Key, KeyUsage } from '../domain/key.ts'
import type { KeyUnit, Span } from '../domain/lease.ts'
import type { LimitUse, LimitUses } from '../domain/limit-use.ts'
import { bucketsOf, limitsOf } from './limits.ts'
import { type Bucket, countedAmount, leavesAt, msUntilBelow, oldestCounted, periodStart } from './rolling-window.ts'
import { spanOf } from './spans.ts'

type Limited = Parameters<typeof limitsOf>[0] & Pick<Key, 'budgetIsCalendar'>

/** How the limits of a key or a tenant stand, from what it has used. */
export function limitUsesOf(
  limited: Limited,
  usage: Pick<KeyUsage, 'minutes' | 'costMinutes' | 'costHours'>,
  now: number,
): LimitUses {
  const limits = new Map(limitsOf(limited, null))
  const useOf = (unit: Exclude<KeyUnit, 'requests'>): LimitUse | null => {
    const limit = limits.get(unit)
    return limit === undefined
      ? null
      : useIn(bucketsOf(usage, unit), spanOf(unit, limited.budgetIsCalendar), limit, now)
  }
  return {
    tokenLimit: useOf('tokens'),
    budget5h: useOf('usd_5h'),
    budgetDay: useOf('usd_day'),
    budgetMonth: useOf('usd_month'),
  }
}

function useIn(buckets: readonly Bucket[], span: Span, limit: number, now: number): LimitUse {
  const used = Math.max(0, countedAmount(buckets, span, now))
  if (span.period !== undefined) {
    return { limit, used, startedAt: periodStart(now, span.period), endsAt: leavesAt({ start: now, amount: 0 }, span) }
  }
  const oldest = oldestCounted(buckets, span, now)
  const endsAt = oldest ? leavesAt(oldest, span) : now + span.lengthMs
  return {
    limit,
    used,
    startedAt: oldest?.start ?? now,
    endsAt: used >= limit ? now + msUntilBelow(buckets, span, limit, now) : endsAt,
  }
}
