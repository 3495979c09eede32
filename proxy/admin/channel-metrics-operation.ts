import { z } from 'zod'
import type { ChannelHealth } from '../domain/channel-health.ts'
import type { CallSums, LogStatistics } from '../domain/log-statistics.ts'
import { type KnownChannels, knownChannels } from './channel-lookup.ts'
import type { ChannelParts } from './channel-parts.ts'
import { NO_CALLS } from './log-span.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, iso, pool } from './schemas.ts'

export interface ChannelMetricsParts extends KnownChannels, Pick<ChannelParts, 'suspensions'> {
  readonly statistics: LogStatistics
  /** How the last calls of a channel went in this process; undefined of one that it does not know yet. */
  readonly health: (channelId: string) => ChannelHealth | undefined
}

const MINUTE_MS = 60_000

const percent = z.number().nullable().describe('In percent; null where there was no call')
const counted = { requestCount: z.int(), successCount: z.int(), failureCount: z.int(), successRate: percent } as const
const window = z.strictObject(counted)
const recentCall = z.strictObject({
  success: z.boolean().describe('False where the channel failed; to refuse what a caller asks is no failure'),
  statusCode: z.int().nullable().describe('Null where no answer came'),
  timestamp: instant,
  model: z.string().nullable().describe('As the upstream was asked for it'),
  channelName: z.string(),
  routedChannelName: z.string().nullable().describe('Where a composite sent the call on: to which channel'),
})

/** How the calls of channels went. */
export function channelMetricsOperation(parts: ChannelMetricsParts): DocumentedOperation {
  return operation(
    {
      tag: 'Channels',
      access: 'admin',
      id: 'getChannelMetrics',
      method: 'GET',
      path: '/api/channels/metrics',
      summary: 'How many calls channels had, and how many of them failed, in the last 15 minutes to 24 hours',
      description:
        'Counted are calls that have ended, on all replicas, by the minute: the minute that a window begins in is counted whole. A call that went over several channels counts for the last. Calls are counted by the names of channels, so those of one name in several pools are told the same.',
      query: z.strictObject({ pool: pool.optional() }),
      answer: z.array(
        z.strictObject({
          channelId: z.string(),
          name: z.string(),
          pool,
          ...counted,
          requestCount: counted.requestCount.describe('This and what follows are of 24 hours'),
          errorRate: percent,
          timeWindows: z.strictObject({ '15m': window, '1h': window, '6h': window, '24h': window }),
          recentErrorRate: z
            .number()
            .nullable()
            .describe('In percent, of the last ten attempts of the process that answers; null where it had none'),
          consecutiveFailures: z.int().describe('This and what follows to recentCalls is of the process that answers'),
          lastSuccessAt: instant.nullable(),
          lastFailureAt: instant.nullable(),
          recentCalls: z.array(recentCall).describe('Its last twenty attempts, the oldest first'),
          circuitOpenUntil: instant.nullable().describe('Until then that process asks it only where no other is well'),
          suspendedUntil: instant.nullable(),
          suspensionReason: z.string().nullable(),
        }),
      ),
    },
    async ({ query, now }) => {
      const suspensions = new Map((await parts.suspensions.list(now)).map((one) => [one.channelId, one]))
      const since = (minutes: number) => sumsSince(parts.statistics, now, minutes)
      const [in15m, in1h, in6h, in24h] = await Promise.all([since(15), since(60), since(360), since(1440)])
      const known = await knownChannels(parts, query.pool)
      const body = known.map(({ id, name, pool: itsPool }) => {
        const counts = (sums: SumsByName) => countsIn(sums.get(name) ?? NO_CALLS)
        const lastDay = counts(in24h)
        const health = parts.health(id)
        const suspension = suspensions.get(id)
        return {
          channelId: id,
          name,
          pool: itsPool,
          ...lastDay,
          errorRate: percentOf(lastDay.failureCount, lastDay.requestCount),
          timeWindows: { '15m': counts(in15m), '1h': counts(in1h), '6h': counts(in6h), '24h': lastDay },
          recentErrorRate: health ? health.failureRate * 100 : null,
          ...recentOf(health),
          circuitOpenUntil: iso(health?.openUntil ?? null),
          suspendedUntil: iso(suspension?.until ?? null),
          suspensionReason: suspension?.reason ?? null,
        }
      })
      return { body }
    },
  )
}

function recentOf(health: ReturnType<ChannelMetricsParts['health']>) {
  return {
    consecutiveFailures: health?.consecutiveFailures ?? 0,
    lastSuccessAt: iso(health?.lastSuccessAt ?? null),
    lastFailureAt: iso(health?.lastFailureAt ?? null),
    recentCalls: (health?.calls ?? []).map(({ hasServed, status, at, ...named }) => ({
      success: hasServed,
      statusCode: status,
      timestamp: iso(at),
      ...named,
    })),
  }
}

type SumsByName = ReadonlyMap<string, CallSums>

async function sumsSince({ sums }: Pick<LogStatistics, 'sums'>, now: number, minutes: number): Promise<SumsByName> {
  const found = await sums({ from: now - minutes * MINUTE_MS, to: now + 1 }, 'channel')
  return new Map(found.map((one) => [one.group, one]))
}

function countsIn({ calls, failedCalls }: CallSums) {
  const successCount = calls - failedCalls
  return {
    requestCount: calls,
    successCount,
    failureCount: failedCalls,
    successRate: percentOf(successCount, calls),
  }
}

function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : (part / whole) * 100
}
