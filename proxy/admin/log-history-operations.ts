import { z } from 'zod'
import type { CallSample, CallSums, LogSpan, LogStatistics } from '../domain/log-statistics.ts'
import { scopeOf } from './log-read-operations.ts'
import {
  between,
  DAY_MS,
  HOUR_MS,
  NO_CALLS,
  sampled,
  samples,
  spanInput,
  spanInvalid,
  sumsOf,
  tokenSums,
} from './log-span.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, iso, line } from './schemas.ts'

export interface LogHistoryParts {
  readonly statistics: LogStatistics
}

const MINUTE_MS = 60_000
/** How long sums are kept by the minute, and by the hour. */
const MINUTES_KEPT_MS = 25 * HOUR_MS
const HOURS_KEPT_MS = 90 * DAY_MS

const described = { tag: 'Logs', access: 'tenant' } as const
const ms = z.number().nullable()
const counts = { requests: z.int(), success: z.int(), failure: z.int(), ...tokenSums, avgDurationMs: ms }
const ofHistory = { ...counts, p50DurationMs: ms, p95DurationMs: ms }
const text = line(255).min(1).optional()
const channel = text.describe('By its name')

/** How use went over time. Stretches without calls are told too, as nothing. */
export function logHistoryOperations(parts: LogHistoryParts): readonly DocumentedOperation[] {
  return [byDay(parts), overTime(parts)]
}

function byDay({ statistics }: LogHistoryParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getDailyLogStatistics',
      method: 'GET',
      path: '/api/logs/stats/daily',
      summary: 'What calls have used and cost by the day, in UTC',
      description: `The last 30 days, if nothing is said. ${samples}`,
      query: spanInput.extend({ channel }),
      answer: z.strictObject({
        dataPoints: z.array(z.strictObject({ date: z.iso.date(), ...counts, avgTps: ms })),
        sample: sampled,
      }),
    },
    async ({ query, actor, now }) => {
      const { from, to } = between(query, now, now - 29 * DAY_MS)
      const span = { from: from - (from % DAY_MS), to, ...narrowed(query), ...scopeOf(actor, query.tenantId) }
      const { points, sample } = await pointsOf(statistics, span, DAY_MS)
      return {
        body: {
          dataPoints: points.map(({ start, sums, sample: seen }) => ({
            date: iso(start).slice(0, 'YYYY-MM-DD'.length),
            ...countsOf(sums),
            avgDurationMs: seen?.averageMs ?? null,
            avgTps: seen?.tokensPerSecond ?? null,
          })),
          sample,
        },
      }
    },
  )
}

function overTime({ statistics }: LogHistoryParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getLogHistory',
      method: 'GET',
      path: '/api/logs/stats/history',
      summary: 'What calls have used and cost over time',
      description: `By as short stretches as the statistics are kept by. With an endpoint, everything is of the sample. ${samples}`,
      query: spanInput.extend({
        duration: z
          .enum(['1h', '6h', '24h', 'today', 'period'])
          .default('24h')
          .describe('today is since midnight in UTC; a period needs from'),
        channel,
        endpoint: text,
      }),
      answer: z.strictObject({
        dataPoints: z.array(z.strictObject({ timestamp: instant, ...ofHistory })),
        summary: z.strictObject({
          totalRequests: z.int(),
          totalSuccess: z.int(),
          totalFailure: z.int(),
          totalInputTokens: z.int(),
          totalOutputTokens: z.int(),
          totalCacheCreationTokens: z.int(),
          totalCacheReadTokens: z.int(),
          totalCost: z.number(),
          avgSuccessRate: z.number().nullable().describe('In percent'),
          avgDurationMs: ms,
          p50DurationMs: ms,
          p95DurationMs: ms,
          duration: z.string(),
        }),
        sample: sampled,
      }),
    },
    async ({ query, actor, now }) => {
      const { from, to } = periodOf(query, now)
      const lengthMs = stretchMs(from, to, now)
      const span = {
        from: from - (from % lengthMs),
        to,
        ...narrowed(query),
        ...scopeOf(actor, query.tenantId),
        ...(query.endpoint !== undefined && { endpoint: query.endpoint }),
      }
      const [{ points, sample }, { groups }] = await Promise.all([
        pointsOf(statistics, span, lengthMs),
        statistics.sample(span, 'all'),
      ])
      return {
        body: {
          dataPoints: points.map(({ start, sums, sample: seen }) => ({
            timestamp: iso(start),
            ...countsOf(sums),
            ...durationsOf(seen),
          })),
          summary: {
            ...summaryOf(points.map(({ sums }) => sums)),
            ...durationsOf(groups[0]),
            duration: query.duration,
          },
          sample,
        },
      }
    },
  )
}

interface Point {
  readonly start: number
  readonly sums: CallSums
  readonly sample: CallSample | undefined
}

/** One for each stretch of the span. What the statistics are not kept by is of the sample. */
async function pointsOf(
  statistics: LogStatistics,
  span: LogSpan & { readonly endpoint?: string },
  bucketMs: number,
): Promise<{ readonly points: readonly Point[]; readonly sample: z.input<typeof sampled> }> {
  const { groups, since } = await statistics.sample(span, { bucketMs })
  const sums = span.endpoint === undefined ? await statistics.sums(span, { bucketMs }) : groups
  const sumsAt = new Map(sums.map((one) => [Number(one.group), one]))
  const sampleAt = new Map(groups.map((one) => [Number(one.group), one]))
  const starts = Array.from(
    { length: Math.ceil((span.to - span.from) / bucketMs) },
    (_, nth) => span.from + nth * bucketMs,
  )
  return {
    points: starts.map((start) => ({ start, sums: sumsAt.get(start) ?? NO_CALLS, sample: sampleAt.get(start) })),
    sample: { calls: groups.reduce((sum, { calls }) => sum + calls, 0), since: iso(since) },
  }
}

function periodOf(
  {
    duration,
    from,
    to,
  }: { readonly duration: string; readonly from?: number | undefined; readonly to?: number | undefined },
  now: number,
): { readonly from: number; readonly to: number } {
  if (duration === 'period') {
    if (from === undefined) throw spanInvalid('A period needs it.')
    return between({ from, to }, now, from)
  }
  const hours = { '1h': 1, '6h': 6, '24h': 24 }[duration]
  return { from: hours === undefined ? now - (now % DAY_MS) : now - hours * HOUR_MS, to: now + 1 }
}

/** A few dozen to a few hundred points, and none that is shorter than what its sums are kept by. */
function stretchMs(from: number, to: number, now: number): number {
  const lengthMs = to - from
  if (from < now - HOURS_KEPT_MS || lengthMs > 14 * DAY_MS) return DAY_MS
  if (from < now - MINUTES_KEPT_MS || lengthMs > MINUTES_KEPT_MS) return HOUR_MS
  if (lengthMs > 6 * HOUR_MS + MINUTE_MS) return 15 * MINUTE_MS
  return lengthMs > HOUR_MS + MINUTE_MS ? 5 * MINUTE_MS : MINUTE_MS
}

function narrowed({ channel: name }: { readonly channel?: string | undefined }): Pick<LogSpan, 'channel'> {
  return name === undefined ? {} : { channel: name }
}

function countsOf(sums: CallSums) {
  const { calls, failedCalls } = sums
  return { requests: calls, success: calls - failedCalls, failure: failedCalls, ...sumsOf(sums) }
}

function durationsOf(sample: CallSample | undefined) {
  return {
    avgDurationMs: sample?.averageMs ?? null,
    p50DurationMs: sample?.p50Ms ?? null,
    p95DurationMs: sample?.p95Ms ?? null,
  }
}

function summaryOf(all: readonly CallSums[]) {
  const total = (field: Exclude<keyof CallSums, 'group'>): number => all.reduce((sum, one) => sum + one[field], 0)
  const [calls, failed] = [total('calls'), total('failedCalls')]
  return {
    totalRequests: calls,
    totalSuccess: calls - failed,
    totalFailure: failed,
    totalInputTokens: total('inputTokens'),
    totalOutputTokens: total('outputTokens'),
    totalCacheCreationTokens: total('cacheWriteTokens'),
    totalCacheReadTokens: total('cacheReadTokens'),
    totalCost: total('costNanoUsd') / 1e9,
    avgSuccessRate: calls === 0 ? null : ((calls - failed) / calls) * 100,
  }
}
