import { z } from 'zod'
import { type Channel, channelStatuses, type Pool } from '../domain/channel.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { pool } from './schemas.ts'

export interface SchedulerParts {
  /** How calls of a pool are spread, as the process that answers knows it. */
  readonly scheduling: (
    pool: Pool,
    now: number,
  ) => {
    /** Channels that are in service. */
    readonly channels: number
    /** Conversations that stay at a channel. */
    readonly conversations: number
    readonly conversationMs: number
    /** Where the next call of an unknown conversation goes first. */
    readonly next: Channel | undefined
    readonly breaker: { readonly maxFailureRate: number; readonly windowCalls: number; readonly openMs: number }
  }
}

const described = {
  tag: 'Channels',
  access: 'admin',
  method: 'GET',
  query: z.strictObject({ pool: pool.default('messages') }),
} as const

/** How calls are spread over the channels of a pool. */
export function schedulerOperations({ scheduling }: SchedulerParts): readonly DocumentedOperation[] {
  return [
    operation(
      {
        ...described,
        id: 'getSchedulerStatistics',
        path: '/api/channels/scheduler/stats',
        summary: 'How calls are spread over the channels of a pool, in the process that answers',
        answer: z.strictObject({
          multiChannelMode: z.boolean().describe('More than one channel is in service'),
          activeChannelCount: z.int(),
          traceAffinityCount: z.int().describe('Conversations that stay at the channel that answered them last'),
          traceAffinityTTL: z.number().describe('In seconds, from the last answer'),
          failureThreshold: z.number().describe('A channel of whose calls this share failed is left alone for a while'),
          windowSize: z.int().describe('Of its last so many calls'),
          circuitRecoveryTime: z.number().describe('In seconds'),
        }),
      },
      async ({ query, now }) => {
        const { channels, conversations, conversationMs, breaker } = scheduling(query.pool, now)
        return {
          body: {
            multiChannelMode: channels > 1,
            activeChannelCount: channels,
            traceAffinityCount: conversations,
            traceAffinityTTL: conversationMs / 1000,
            failureThreshold: breaker.maxFailureRate,
            windowSize: breaker.windowCalls,
            circuitRecoveryTime: breaker.openMs / 1000,
          },
        }
      },
    ),
    operation(
      {
        ...described,
        id: 'getCurrentChannel',
        path: '/api/channels/current',
        summary: 'Which channel of a pool the next call would be sent to first, by the process that answers',
        description:
          'A call of an unknown conversation, from a key that may use all channels, for a model that all of them serve. Quotas do not count, and where channels are picked at random it is the first of them.',
        answer: z.strictObject({
          pool,
          channel: z
            .strictObject({ id: z.string(), name: z.string(), status: z.enum(channelStatuses) })
            .nullable()
            .describe('Null where no channel can take a call'),
        }),
      },
      async ({ query, now }) => {
        const { next } = scheduling(query.pool, now)
        const channel = next === undefined ? null : { id: next.id, name: next.name, status: next.status }
        return { body: { pool: query.pool, channel } }
      },
    ),
  ]
}
