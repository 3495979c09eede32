import { z } from 'zod'
import type { Channel, QuotaUsage } from '../domain/channel.ts'
import { GatewayError } from '../domain/errors.ts'
import { knownChannel, knownChannels } from './channel-lookup.ts'
import { changeable, type ChannelParts } from './channel-parts.ts'
import { channelId } from './channel-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, iso, pool } from './schemas.ts'

export interface ChannelUsageParts extends ChannelParts {
  readonly quotas: {
    /** Undefined where the channel has no quota. */
    usage(channel: Channel): Promise<QuotaUsage | undefined>
    reset(channel: Channel, now: number): Promise<void>
  }
}

const described = { tag: 'Channels', access: 'admin' } as const
const params = z.strictObject({ id: channelId })
const usage = z.strictObject({
  quotaType: z.enum(['requests', 'credit']),
  limit: z.number().describe('Requests, or USD'),
  used: z.number(),
  remaining: z.number(),
  remainingPercent: z.number(),
  lastResetAt: instant.optional(),
  nextResetAt: instant.optional().describe('Left out where it is never reset, or an interval after the next call'),
})

/** How much of the quotas of channels is used. */
export function channelUsageOperations(parts: ChannelUsageParts): readonly DocumentedOperation[] {
  return [readingAll(parts), reading(parts), resetting(parts)]
}

function readingAll(parts: ChannelUsageParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'listChannelUsage',
      method: 'GET',
      path: '/api/channels/usage',
      summary: 'How much of the quotas of channels is used, by all replicas',
      query: z.strictObject({ pool: pool.optional() }),
      answer: z.strictObject({
        channels: z.array(z.strictObject({ id: z.string(), name: z.string(), pool, usage: usage.nullable() })),
      }),
    },
    async ({ query }) => {
      const all = await knownChannels(parts, query.pool)
      const channels = all.map(async (channel) => {
        const known = await parts.quotas.usage(channel)
        return {
          id: channel.id,
          name: channel.name,
          pool: channel.pool,
          usage: known === undefined ? null : shown(known),
        }
      })
      return { body: { channels: await Promise.all(channels) } }
    },
  )
}

function reading(parts: ChannelUsageParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getChannelUsage',
      method: 'GET',
      path: '/api/channels/{id}/usage',
      summary: 'How much of the quota of a channel is used, by all replicas',
      params,
      answer: usage,
      errors: ['not_found'],
    },
    async ({ params: { id } }) => ({ body: await usageOf(parts, await knownChannel(parts, id)) }),
  )
}

function resetting(parts: ChannelUsageParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'resetChannelUsage',
      method: 'POST',
      path: '/api/channels/{id}/usage/reset',
      summary: 'Begins a new period of the quota of a channel, and lifts a suspension',
      params,
      answer: z.strictObject({ success: z.boolean(), usage }),
      errors: ['not_found', 'read_only'],
    },
    async ({ params: { id }, now }) => {
      const channel = await changeable(parts, id)
      const before = await usageOf(parts, channel)
      await parts.quotas.reset(channel, now)
      const after = await usageOf(parts, channel)
      return { body: { success: true, usage: after }, audit: { target: id, before, after } }
    },
  )
}

async function usageOf({ quotas }: ChannelUsageParts, channel: Channel): Promise<z.output<typeof usage>> {
  const known = await quotas.usage(channel)
  if (known === undefined) throw new GatewayError('not_found', { message: 'The channel has no quota.' })
  return shown(known)
}

function shown(known: QuotaUsage): z.output<typeof usage> {
  const { quotaType, limit, used, remaining, remainingPercent, lastResetAt, nextResetAt } = known
  const amount = (counted: number): number => (quotaType === 'credit' ? counted / 1e9 : counted)
  return {
    quotaType,
    limit: amount(limit),
    used: amount(used),
    remaining: amount(remaining),
    remainingPercent,
    ...(lastResetAt !== undefined && { lastResetAt: iso(lastResetAt) }),
    ...(nextResetAt !== undefined && { nextResetAt: iso(nextResetAt) }),
  }
}
