import type { Span } from '../domain/lease.ts'
import type { Pot } from './pot.ts'
import { type Bucket, countedAmount, leavesAt, msUntilBelow, oldestCounted, withSpend } from './rolling-window.ts'

interface LocalPotSettings {
  readonly span: () => Span
  readonly limit: () => number
  /** What was used before this process began, oldest first. */
  readonly buckets: readonly Bucket[]
  /** Counts when a call is admitted, and not when it ends: requests, and not what they use. */
  readonly countsAtOnce: boolean
}

export interface LocalPot extends Pot {
  buckets(): readonly Bucket[]
  /** A spend of another, dead process has turned up. */
  add(at: number, amount: number, now: number): void
}

/**
 * A limit that this process alone draws on. Far from it calls run side by side. Once what is left is less than what all
 * in flight may use at most, a call is let in only if its upper bound still fits, or alone: one call may go over.
 */
export function createLocalPot({ span, limit, buckets: before, countsAtOnce }: LocalPotSettings): LocalPot {
  let buckets = before
  let calls = 0
  let reserved = 0
  const used = (now: number): number => countedAmount(buckets, span(), now)
  const add = (at: number, amount: number, now: number): void => {
    buckets = withSpend(buckets, span(), at, amount, now)
  }
  const endsAt = (now: number): number => {
    if (used(now) >= limit()) return now + msUntilBelow(buckets, span(), limit(), now)
    const oldest = oldestCounted(buckets, span(), now)
    return oldest ? leavesAt(oldest, span()) : now + span().lengthMs
  }

  return {
    buckets: () => buckets,
    add,
    endsAt,
    left: (now) => Math.max(0, limit() - used(now) - reserved),
    verdict(upper, now) {
      const left = limit() - used(now)
      if (left <= 0) return { kind: 'refuse', used: limit() - left, endsAt: endsAt(now) }
      return calls === 0 || reserved + upper <= left ? { kind: 'admit' } : { kind: 'wait' }
    },
    reserve(upper, admittedAt) {
      if (countsAtOnce) return add(admittedAt, upper, admittedAt)
      calls += 1
      reserved += upper
    },
    settle(upper, actual, admittedAt, now) {
      if (countsAtOnce) return
      calls -= 1
      reserved -= upper
      add(admittedAt, actual, now)
    },
    release(upper, admittedAt, now) {
      if (countsAtOnce) return add(admittedAt, -upper, now)
      calls -= 1
      reserved -= upper
    },
  }
}
