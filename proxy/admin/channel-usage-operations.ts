import { z } from 'zod'
import type { Channel, QuotaUsage } from '../domain/channel.ts'
import { GatewayError } from '../domain/errors.ts'
import { knownChannel } from './channel-lookup.ts'
import { changeable, type ChannelParts } from './channel-parts.ts'
import { channelId } from './channel-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, iso } from './schemas.ts'

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
  return [reading(parts), resetting(parts)]
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
  const { quotaType, limit, used, remaining, remainingPercent, lastResetAt, nextResetAt } = known
  const shown = (amount: number): number => (quotaType === 'credit' ? amount / 1e9 : amount)
  return {
    quotaType,
    limit: shown(limit),
    used: shown(used),
    remaining: shown(remaining),
    remainingPercent,
    ...(lastResetAt !== undefined && { lastResetAt: iso(lastResetAt) }),
    ...(nextResetAt !== undefined && { nextResetAt: iso(nextResetAt) }),
  }
}
