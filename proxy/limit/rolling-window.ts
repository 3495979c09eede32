import type { Span } from '../domain/lease.ts'

/** What was spent in one bucket of time; `start` in milliseconds since the epoch. */
export interface Bucket {
  readonly start: number
  readonly amount: number
}

/**
 * When the bucket no longer counts. One of a calendar leaves with its period. One of a rolling window leaves when its
 * *end* is as old as the window is long: leaving by its start would free a limit spent in second 59 a minute early, and
 * two limits would fit into one five-hour interval. So a spend counts for 5 h to 5 h 1 min.
 */
export function leavesAt({ start }: Bucket, { bucketMs, lengthMs, period }: Span): number {
  if (period === undefined) return start + bucketMs + lengthMs
  const date = new Date(start)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return period === 'day' ? Date.UTC(year, month, date.getUTCDate() + 1) : Date.UTC(year, month + 1)
}

/** When the day or the month, in UTC, began that this instant is in. */
export function periodStart(at: number, period: 'day' | 'month'): number {
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), period === 'day' ? date.getUTCDate() : 1)
}

export function bucketStart(at: number, { bucketMs }: Span): number {
  return at - (at % bucketMs)
}

/** The sum of the buckets that still count. `buckets` are sorted by start. */
export function countedAmount(buckets: readonly Bucket[], span: Span, now: number): number {
  let sum = 0
  for (const bucket of buckets) if (leavesAt(bucket, span) > now) sum += bucket.amount
  return sum
}

/** The oldest bucket that still counts. */
export function oldestCounted(buckets: readonly Bucket[], span: Span, now: number): Bucket | undefined {
  return buckets.find((bucket) => bucket.amount > 0 && leavesAt(bucket, span) > now)
}

/** How long until so much has left that less than `limit` is counted; at least 1 ms. */
export function msUntilBelow(buckets: readonly Bucket[], span: Span, limit: number, now: number): number {
  let sum = countedAmount(buckets, span, now)
  for (const bucket of buckets) {
    const at = leavesAt(bucket, span)
    if (at <= now) continue
    sum -= bucket.amount
    if (sum < limit) return at - now
  }
  return 1
}

/** The buckets with `amount` added at `at`, and without those that count no longer. */
export function withSpend(buckets: readonly Bucket[], span: Span, at: number, amount: number, now: number): Bucket[] {
  const start = bucketStart(at, span)
  const [oldest] = buckets
  const newest = buckets.at(-1)
  // Nearly every spend falls into the newest bucket: one copy then, and no look at each of three hundred.
  if (oldest && newest?.start === start && leavesAt(oldest, span) > now) {
    return buckets.with(buckets.length - 1, { start, amount: newest.amount + amount })
  }
  const next: Bucket[] = []
  let isAdded = false
  for (const bucket of buckets) {
    if (leavesAt(bucket, span) <= now) continue
    if (!isAdded && bucket.start > start) isAdded = next.push({ start, amount }) > 0
    if (bucket.start === start) {
      next.push({ start, amount: bucket.amount + amount })
      isAdded = true
    } else next.push(bucket)
  }
  if (!isAdded) next.push({ start, amount })
  return next
}
