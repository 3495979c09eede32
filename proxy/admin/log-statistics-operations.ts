import { z } from 'zod'
import type { CallSample, CallSums, LogSpan, LogStatistics } from '../domain/log-statistics.ts'
import { typeOf } from './log-item.ts'
import { scopeOf } from './log-read-operations.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, iso } from './schemas.ts'
import { between, HOUR_MS, NO_CALLS, sampled, samples, spanInput, sumsOf, tokenSums } from './log-span.ts'

export interface LogStatisticsParts {
  readonly statistics: LogStatistics
}

const described = { tag: 'Logs', access: 'tenant' } as const
const group = z.strictObject({
  count: z.int(),
  success: z.int(),
  failure: z.int(),
  ...tokenSums,
  avgLatencyMs: z.number().nullable(),
  avgTps: z.number().nullable(),
  avgTpsSampleCount: z.int(),
})
const groups = z.record(z.string(), group)
/** What calls have used together. */
export function logStatisticsOperations(parts: LogStatisticsParts): readonly DocumentedOperation[] {
  return [summing(parts), listingSessions(parts)]
}

function summing({ statistics }: LogStatisticsParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getLogStatistics',
      method: 'GET',
      path: '/api/logs/stats',
      summary: 'What calls have used and cost, altogether and by channel, model, key, client and session',
      description: `The last 24 hours, if nothing is said. Counts, tokens and costs are of all calls: of those older than 25 hours by whole hours, and of those older than 90 days by whole days in UTC. A model is told of calls that succeeded. ${samples}`,
      query: spanInput,
      answer: z.strictObject({
        totalRequests: z.int(),
        totalSuccess: z.int(),
        totalFailure: z.int(),
        totalTokens: z.strictObject({
          inputTokens: z.int(),
          outputTokens: z.int(),
          cacheCreationInputTokens: z.int(),
          cacheReadInputTokens: z.int(),
          totalTokens: z.int(),
        }),
        totalCost: z.number().describe('USD, of the calls that have a price'),
        avgLatencyMs: z.number().nullable(),
        avgTps: z.number().nullable().describe('Output tokens a second'),
        avgTpsSampleCount: z.int(),
        p95LatencyMs: z.number().nullable(),
        byProvider: groups,
        byModel: groups,
        byClient: groups.describe('Of the sample'),
        bySession: groups.describe('Of the sample'),
        byApiKey: groups.describe('By the id of the key'),
        sample: sampled,
        timeRange: z.strictObject({ from: instant, to: instant }),
      }),
    },
    async ({ query, actor, now }) => {
      const span = { ...between(query, now, now - 24 * HOUR_MS), ...scopeOf(actor, query.tenantId) }
      const [
        [total = NO_CALLS],
        {
          groups: [sample],
          since,
        },
      ] = await Promise.all([statistics.sums(span, 'all'), statistics.sample(span, 'all')])
      const { cost, ...tokens } = sumsOf(total)
      const counted = (by: 'channel' | 'model' | 'key_id') => countedBy(statistics, span, by)
      const seen = async (by: 'client_id' | 'session_id') =>
        grouped((await statistics.sample(span, by)).groups.map((one) => [one, one]))
      return {
        body: {
          totalRequests: total.calls,
          totalSuccess: total.calls - total.failedCalls,
          totalFailure: total.failedCalls,
          totalTokens: { ...tokens, totalTokens: Object.values(tokens).reduce((sum, count) => sum + count, 0) },
          totalCost: cost,
          ...timesOf(sample),
          p95LatencyMs: sample?.p95Ms ?? null,
          byProvider: await counted('channel'),
          byModel: await counted('model'),
          byClient: await seen('client_id'),
          bySession: await seen('session_id'),
          byApiKey: await counted('key_id'),
          sample: { calls: sample?.calls ?? 0, since: iso(since) },
          timeRange: { from: iso(span.from), to: iso(span.to) },
        },
      }
    },
  )
}

function listingSessions({ statistics }: LogStatisticsParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'listActiveSessions',
      method: 'GET',
      path: '/api/logs/sessions/active',
      summary: 'Conversations that had a call a short while ago, the busiest first',
      description: `What is told of them is of the last 24 hours. ${samples}`,
      query: z.strictObject({
        threshold: z
          .string()
          .regex(/^[1-9]\d{0,3}[smh]$/)
          .default('30m')
          .describe('How long ago: 90s, 30m, 2h'),
      }),
      answer: z.array(
        z.strictObject({
          sessionId: z.string(),
          type: z.string(),
          firstRequestTime: instant,
          lastRequestTime: instant,
          count: z.int(),
          ...tokenSums,
        }),
      ),
    },
    async ({ query: { threshold }, actor, now }) => {
      const unitMs = { s: 1000, m: 60_000, h: HOUR_MS }[threshold.at(-1) ?? ''] ?? 0
      const activeSince = now - Number.parseInt(threshold, 10) * unitMs
      const span = { from: now - 24 * HOUR_MS, to: now + 1, ...scopeOf(actor, undefined) }
      const { groups: sessions } = await statistics.sample(span, 'session_id')
      return {
        body: sessions
          .filter((session) => session.group !== '' && session.lastAt >= activeSince)
          .map((session) => ({
            sessionId: session.group,
            type: typeOf(session.endpoint),
            firstRequestTime: iso(session.firstAt),
            lastRequestTime: iso(session.lastAt),
            count: session.calls,
            ...sumsOf(session),
          })),
      }
    },
  )
}

/** The sums of all calls, with the times of those that were looked at. */
async function countedBy(statistics: LogStatistics, span: LogSpan, by: 'channel' | 'model' | 'key_id') {
  const [sums, { groups: samplesOf }] = await Promise.all([statistics.sums(span, by), statistics.sample(span, by)])
  const seen = new Map(samplesOf.map((one) => [one.group, one]))
  return grouped(sums.map((one) => [one, seen.get(one.group)]))
}

function grouped(found: readonly (readonly [sums: CallSums, sample: CallSample | undefined])[]) {
  return Object.fromEntries(
    found
      .filter(([{ group: name }]) => name !== '')
      .map(([sums, sample]) => [
        sums.group,
        {
          count: sums.calls,
          success: sums.calls - sums.failedCalls,
          failure: sums.failedCalls,
          ...sumsOf(sums),
          ...timesOf(sample),
        },
      ]),
  )
}

function timesOf(sample: CallSample | undefined) {
  return {
    avgLatencyMs: sample?.averageMs ?? null,
    avgTps: sample?.tokensPerSecond ?? null,
    avgTpsSampleCount: sample?.callsWithOutput ?? 0,
  }
}
