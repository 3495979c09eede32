import { z } from 'zod'
import type { Channel, Pool } from '../domain/channel.ts'
import { channelStatuses } from '../domain/channel.ts'
import { type KnownChannels, knownChannel, knownChannels } from './channel-lookup.ts'
import type { ChannelParts, Suspension } from './channel-parts.ts'
import { channelId } from './channel-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { line, pool } from './schemas.ts'

interface AskedCall {
  readonly channels: readonly Channel[]
  readonly suspensions: readonly Suspension[]
  readonly pool: Pool
  readonly model: string
  readonly only?: string
}

export interface ChannelMappingParts extends KnownChannels, Pick<ChannelParts, 'suspensions'> {
  /** Where a call for a model would go; else a sentence that says why it would go nowhere. */
  readonly preview: (
    call: AskedCall,
    now: number,
  ) =>
    | {
        readonly kind: 'send'
        readonly channel: Channel
        readonly model: string
        readonly effort: string | undefined
      }
    | { readonly kind: 'none'; readonly message: string }
}

const described = { tag: 'Channels', access: 'admin', hasRevision: true } as const
const model = line(255).min(1).describe('As a caller would name it')

const answer = z.discriminatedUnion('matched', [
  z.strictObject({
    matched: z.literal(true),
    model: z.string(),
    targetPool: pool,
    targetChannel: z.strictObject({ id: z.string(), name: z.string(), status: z.enum(channelStatuses) }),
    resolvedModel: z.string().describe('What the upstream would be asked for'),
    reasoningEffort: z.string().nullable().describe('Null is as the caller says, or the upstream'),
  }),
  z.strictObject({
    matched: z.literal(false),
    model: z.string(),
    message: z.string(),
    targetChannel: z.null(),
  }),
])

/** What would happen with a model, without a call. */
export function channelMappingOperations(parts: ChannelMappingParts): readonly DocumentedOperation[] {
  return [testingPool(parts), testingChannel(parts)]
}

function testingPool(parts: ChannelMappingParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'testMapping',
      method: 'GET',
      path: '/api/channels/test-mapping',
      summary: 'Which channel of a pool would be asked for a model first, and by which name',
      description:
        'By status, suspensions, promotion and order. Calls may go elsewhere, where channels take turns, know a conversation, or have used their quota, and where the key may not use all of them.',
      query: z.strictObject({ pool: pool.exclude(['search']), model }),
      answer,
    },
    async ({ query, now }) => {
      const channels = await knownChannels(parts)
      const suspensions = await parts.suspensions.list(now)
      return { body: tested(parts, { ...query, channels, suspensions }, channels, now) }
    },
  )
}

function testingChannel(parts: ChannelMappingParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'testChannelMapping',
      method: 'GET',
      path: '/api/channels/{id}/test-mapping',
      summary: 'What a channel would make of a model',
      description: 'As if it was in service. The targets of a composite count as they are.',
      params: z.strictObject({ id: channelId }),
      query: z.strictObject({ model }),
      answer,
      errors: ['not_found'],
    },
    async ({ params: { id }, query, now }) => {
      const asked = await knownChannel(parts, id)
      const channels = await knownChannels(parts)
      const inService = channels.map((channel): Channel => {
        return channel.id === id ? { ...channel, status: 'active' } : channel
      })
      const suspensions = (await parts.suspensions.list(now)).filter(({ channelId: suspended }) => suspended !== id)
      const call = { ...query, pool: asked.pool, channels: inService, suspensions, only: id }
      return { body: tested(parts, call, channels, now) }
    },
  )
}

function tested(
  { preview }: ChannelMappingParts,
  call: AskedCall,
  known: readonly Channel[],
  now: number,
): z.output<typeof answer> {
  const found = preview(call, now)
  if (found.kind === 'none') {
    return { matched: false, model: call.model, message: found.message, targetChannel: null }
  }
  const {
    id,
    name,
    pool: targetPool,
    status,
  } = known.find((channel) => channel.id === found.channel.id) ?? found.channel
  return {
    matched: true,
    model: call.model,
    targetPool,
    targetChannel: { id, name, status },
    resolvedModel: found.model,
    reasoningEffort: found.effort ?? null,
  }
}
