import { z } from 'zod'
import type { Channel } from '../domain/channel.ts'
import { GatewayError } from '../domain/errors.ts'
import { type KnownChannels, knownChannel, knownChannels } from './channel-lookup.ts'
import { channelId } from './channel-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { requestInvalid } from './problems.ts'
import { pool } from './schemas.ts'

export interface ChannelProbeParts extends KnownChannels {
  /** Whether its upstream answers. Rejects with a `GatewayError` that may be told. */
  readonly ping: (channel: Channel) => Promise<void>
  /** What its upstream says that it has. Likewise. */
  readonly upstreamModels: (channel: Channel) => Promise<readonly string[]>
}

const described = { tag: 'Channels', access: 'admin' } as const
const params = z.strictObject({ id: channelId })
/** One request may not open as many connections as there are channels. */
const MAX_AT_ONCE = 32

const pinged = {
  latency: z.int().describe('Milliseconds, with the connection that was made for it'),
  status: z.enum(['healthy', 'error']),
  error: z.string().optional(),
} as const

/** What is asked of upstreams besides calls. */
export function channelProbeOperations(parts: ChannelProbeParts): readonly DocumentedOperation[] {
  return [pingingAll(parts), pinging(parts), listingModels(parts)]
}

function pingingAll(parts: ChannelProbeParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'pingChannels',
      method: 'GET',
      path: '/api/channels/ping',
      summary: 'Whether the upstreams of all channels answer, or of those of a pool',
      description: 'As for one of them. Composites, which have no upstream, are left out.',
      query: z.strictObject({ pool: pool.optional() }),
      answer: z.array(z.strictObject({ id: z.string(), name: z.string(), ...pinged })),
    },
    async ({ query }) => {
      const known = await knownChannels(parts, query.pool)
      const upstreams = known.filter(({ serviceType }) => serviceType !== 'composite')
      const results = await inTurns(upstreams, async (channel) => {
        return { id: channel.id, name: channel.name, ...(await resultOf(parts, channel)) }
      })
      return { body: results }
    },
  )
}

function pinging(parts: ChannelProbeParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'pingChannel',
      method: 'GET',
      path: '/api/channels/{id}/ping',
      summary: 'Whether the upstream of a channel answers',
      description:
        'It is asked for the head of its base URL, without a key, and has 5 seconds. Any status is an answer; a redirect is one, and is not followed.',
      params,
      answer: z.strictObject({ success: z.boolean(), ...pinged }),
      errors: ['not_found'],
    },
    async ({ params: { id } }) => {
      const channel = await knownChannel(parts, id)
      if (channel.serviceType === 'composite') throw hasNone('A composite sends to other channels and has no upstream.')
      const result = await resultOf(parts, channel)
      return { body: { success: result.status === 'healthy', ...result } }
    },
  )
}

function listingModels(parts: ChannelProbeParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'listUpstreamModels',
      method: 'GET',
      path: '/api/channels/{id}/models',
      summary: 'The models that the upstream of a channel says it has',
      description:
        'It is asked with the first key of the channel, and has 10 seconds. What it says of an error is not told, for that may quote the key.',
      params,
      answer: z.strictObject({
        success: z.boolean(),
        models: z.array(z.string()).optional(),
        error: z.string().optional(),
      }),
      errors: ['not_found'],
    },
    async ({ params: { id } }) => {
      const channel = await knownChannel(parts, id)
      const isListing = ['claude', 'openai_chat', 'responses'].includes(channel.serviceType)
      if (!isListing) throw hasNone('Channels of this type have no list of models.')
      try {
        return { body: { success: true, models: await parts.upstreamModels(channel) } }
      } catch (thrown) {
        return { body: { success: false, error: told(thrown) } }
      }
    },
  )
}

async function resultOf({ ping }: ChannelProbeParts, channel: Channel) {
  const startedAt = performance.now()
  const error = await ping(channel).then(() => undefined, told)
  const latency = Math.round(performance.now() - startedAt)
  return error === undefined
    ? ({ latency, status: 'healthy' } as const)
    : ({ latency, status: 'error', error } as const)
}

function told(thrown: unknown): string {
  if (thrown instanceof GatewayError) return thrown.message
  throw thrown
}

function hasNone(message: string): GatewayError {
  return requestInvalid([{ field: 'id', message }])
}

/** The results in the order of the items, a bounded number of which is worked on at a time. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const waiting = items.entries() // shared: each worker takes what is next
  const worker = async (): Promise<void> => {
    for (const [at, item] of waiting) results[at] = await work(item)
  }
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, worker))
  return results
}
