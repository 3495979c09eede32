import { z } from 'zod'
import { channelStatuses } from '../domain/channel.ts'
import { knownChannel } from './channel-lookup.ts'
import { changeable, type ChannelParts } from './channel-parts.ts'
import { channelId } from './channel-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { done, iso, pool } from './schemas.ts'

const described = { tag: 'Channels', access: 'admin', hasRevision: true } as const
const params = z.strictObject({ id: channelId })
const errors = ['not_found', 'read_only'] as const
const MAX_PROMOTION_SECONDS = 30 * 86_400

/** What is done to channels from day to day: their order, their status, and who comes first for a while. */
export function channelStateOperations(parts: ChannelParts): readonly DocumentedOperation[] {
  return [reordering(parts), settingStatus(parts), resuming(parts), promoting(parts)]
}

function reordering({ channels }: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'reorderChannels',
      method: 'POST',
      path: '/api/channels/reorder',
      summary: 'Puts the channels of a pool into an order',
      body: z.strictObject({
        pool,
        order: z
          .array(channelId)
          .max(10_000)
          .describe('Each channel of the pool once; those of the environment are not in it'),
      }),
      answer: done,
    },
    async ({ body, expectedRevision }) => {
      const before = (await channels.list()).filter((channel) => channel.pool === body.pool).map(({ id }) => id)
      await channels.reorder(body.pool, body.order, expectedRevision)
      return {
        body: { success: true, message: 'Channels reordered' },
        audit: { target: body.pool, before: { order: before }, after: { order: body.order } },
      }
    },
  )
}

function settingStatus(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'setChannelStatus',
      method: 'PATCH',
      path: '/api/channels/{id}/status',
      summary: 'Pauses a channel, puts it into the reserve, or takes it into service',
      params,
      body: z.strictObject({ status: z.enum(channelStatuses) }),
      answer: done,
      errors,
    },
    async ({ params: { id }, body: { status }, expectedRevision, now }) => {
      const before = await changeable(parts, id)
      await parts.channels.setStatus(id, status, now, expectedRevision)
      return {
        body: { success: true, message: `Channel is ${status}` },
        audit: { target: id, before: { status: before.status }, after: { status } },
      }
    },
  )
}

function resuming(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      hasRevision: false, // whoever lifts a suspension does not mind what else was changed
      id: 'resumeChannel',
      method: 'POST',
      path: '/api/channels/{id}/resume',
      summary: 'Lifts the suspension of a channel, and takes a paused one back into service',
      params,
      answer: done,
      errors,
    },
    async ({ params: { id }, now }) => {
      const { status } = await knownChannel(parts, id) // one of the environment may be left alone, too
      const wasSuspended = await parts.suspensions.resume(id)
      if (status === 'suspended') await parts.channels.setStatus(id, 'active', now)
      return {
        body: { success: true, message: 'Channel resumed' },
        audit: {
          target: id,
          before: { status, wasSuspended },
          after: { status: status === 'suspended' ? 'active' : status, wasSuspended: false },
        },
      }
    },
  )
}

function promoting(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'promoteChannel',
      method: 'POST',
      path: '/api/channels/{id}/promotion',
      summary: 'Tries a channel before all others of its pool for a while',
      description: 'One channel of a pool at a time: whichever was promoted before is not any more.',
      params,
      body: z.strictObject({
        duration: z.int().min(0).max(MAX_PROMOTION_SECONDS).describe('Seconds from now; 0 ends the promotion'),
      }),
      answer: done.extend({ duration: z.int().optional() }),
      errors,
    },
    async ({ params: { id }, body: { duration }, expectedRevision, now }) => {
      const before = await changeable(parts, id)
      const until = duration === 0 ? null : now + duration * 1000
      await parts.channels.promote(id, until, expectedRevision)
      const audit = {
        target: id,
        before: { promotionUntil: iso(before.promotionUntil) },
        after: { promotionUntil: iso(until) },
      }
      if (until === null) return { body: { success: true, message: 'Promotion ended' }, audit }
      return { body: { success: true, message: 'Channel promoted', duration }, audit }
    },
  )
}
