import { z } from 'zod'
import { pools } from '../domain/channel.ts'
import { type KnownChannels, knownChannels } from './channel-lookup.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, iso } from './schemas.ts'
import { balanceIn, loadBalance, type SettingParts } from './setting-operations.ts'

export interface HealthParts extends KnownChannels, Pick<SettingParts, 'settings'> {
  readonly version: string
  /** When the process that answers began. */
  readonly startedAt: number
  /** Whether it has its database, and nothing is wrong with its ledger. */
  readonly isWell: () => boolean
}

const counts = z.strictObject({ messages: z.int(), responses: z.int(), chat: z.int(), search: z.int() })

/** More than `/health` tells everybody. */
export function healthOperation(parts: HealthParts): DocumentedOperation {
  return operation(
    {
      tag: 'Settings',
      access: 'admin',
      id: 'getHealthDetails',
      method: 'GET',
      path: '/api/health/details',
      summary: 'How the process that answers is, and what it works with',
      description: '`GET /health` tells everybody how storage, database and ledger are.',
      answer: z.strictObject({
        status: z.enum(['ok', 'degraded']),
        timestamp: instant,
        uptime: z.number().describe('In seconds'),
        version: z.strictObject({ version: z.string() }),
        config: z.strictObject({ channelCount: counts, activeChannelCount: counts, loadBalance }),
      }),
    },
    async ({ now }) => {
      const known = await knownChannels(parts)
      const active = known.filter(({ status, fault }) => status === 'active' && fault === null)
      const config = {
        channelCount: countIn(known),
        activeChannelCount: countIn(active),
        loadBalance: await balanceIn(parts.settings),
      }
      return {
        body: {
          status: parts.isWell() ? ('ok' as const) : ('degraded' as const),
          timestamp: iso(now),
          uptime: Math.max(0, now - parts.startedAt) / 1000,
          version: { version: parts.version },
          config,
        },
      }
    },
  )
}

function countIn(channels: Awaited<ReturnType<typeof knownChannels>>): z.output<typeof counts> {
  const entries = pools.map((pool) => [pool, channels.filter((channel) => channel.pool === pool).length])
  return Object.fromEntries(entries) as z.output<typeof counts> // safe: it has all pools
}
