import { z } from 'zod'
import type { Channel } from '../domain/channel.ts'
import { type FieldProblem, GatewayError } from '../domain/errors.ts'
import { changeable, type ChannelParts } from './channel-parts.ts'
import { channelProblems } from './channel-problems.ts'
import { channelChanges, channelId, newChannel, shownChannel } from './channel-schema.ts'
import { changed, changesOf, fieldsOf, oauthOf, PLAIN, viewOf } from './channel-view.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { requestInvalid } from './problems.ts'
import { done, pool } from './schemas.ts'
import { difference } from './difference.ts'
import { shown } from './shown-channel.ts'

const described = { tag: 'Channels', access: 'admin', hasRevision: true } as const
const params = z.strictObject({ id: channelId })

/** Making, reading, changing and removing channels. */
export function channelOperations(parts: ChannelParts): readonly DocumentedOperation[] {
  return [listing(parts), reading(parts), creating(parts), updating(parts), removing(parts)]
}

function listing({ channels, suspensions, environment }: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'listChannels',
      method: 'GET',
      path: '/api/channels',
      summary: 'All channels, or those of a pool, in their order',
      description: 'Those of the environment come last and are read-only.',
      query: z.strictObject({ pool: pool.optional() }),
      answer: z.strictObject({ channels: z.array(shownChannel) }),
    },
    async ({ query, now }) => {
      const suspended = new Map((await suspensions.list(now)).map((one) => [one.channelId, one]))
      const ofStore = (await channels.list()).map((channel) => shown(channel, false, suspended.get(channel.id)))
      const all = [...ofStore, ...environment.map((channel) => shown(channel, true, suspended.get(channel.id)))]
      return { body: { channels: all.filter((channel) => channel.pool === (query.pool ?? channel.pool)) } }
    },
  )
}

function reading({ channels, suspensions, environment }: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getChannel',
      method: 'GET',
      path: '/api/channels/{id}',
      summary: 'One channel',
      params,
      answer: shownChannel,
      errors: ['not_found'],
    },
    async ({ params: { id }, now }) => {
      const ofEnvironment = environment.find((channel) => channel.id === id)
      const channel = ofEnvironment ?? (await channels.find(id))
      if (channel === undefined) throw new GatewayError('not_found')
      const suspension = (await suspensions.list(now)).find(({ channelId: suspended }) => suspended === id)
      return { body: shown(channel, ofEnvironment !== undefined, suspension) }
    },
  )
}

function creating(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'createChannel',
      method: 'POST',
      path: '/api/channels',
      summary: 'Makes a channel, at the end of its pool',
      body: newChannel,
      example: {
        pool: 'messages',
        name: 'anthropic-1',
        serviceType: 'claude',
        baseUrl: 'https://api.anthropic.com',
        apiKeys: ['sk-ant-the-key-of-your-account'],
        quotaType: 'credit',
        quotaLimit: 100,
        quotaResetAt: '2030-01-01T00:00:00Z',
        quotaResetInterval: 1,
        quotaResetUnit: 'months',
      },
      answer: done.extend({ id: z.string(), index: z.int() }),
      status: 201,
      errors: ['conflict'],
    },
    async ({ body, expectedRevision, host, now }) => {
      const { pool: itsPool, apiKeys: keys = [], ...said } = body
      const view = changed(PLAIN, said)
      refuse(channelProblems({ body: said, view, pool: itsPool, hasKeys: keys.length > 0, ownHost: host }))
      const input = { ...fieldsOf(view), pool: itsPool, oauth: oauthOf(said.oauth) }
      const candidate = { ...input, id: '', fault: null, position: 0, promotionUntil: null, keys: [] }
      refuse(await problemsAmongAll(parts, candidate))
      const channel = await parts.channels.create({ ...input, keys }, now, expectedRevision)
      return {
        body: { success: true, message: 'Channel created', id: channel.id, index: channel.position - 1 },
        audit: { target: channel.id, after: shown(channel, false, undefined) },
      }
    },
  )
}

function updating(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'updateChannel',
      method: 'PUT',
      path: '/api/channels/{id}',
      summary: 'Changes what is named of a channel; the rest stays',
      description: 'Its keys, its place and its promotion have operations of their own, and its pool stays.',
      params,
      body: channelChanges,
      answer: done,
      errors: ['not_found', 'conflict', 'read_only'],
    },
    async ({ params: { id }, body, expectedRevision, host, now }) => {
      const before = await changeable(parts, id)
      const view = changed(viewOf(before), body)
      refuse(channelProblems({ body, view, pool: before.pool, hasKeys: before.keys.length > 0, ownHost: host }))
      const changes = changesOf(body, fieldsOf(view))
      refuse(await problemsAmongAll(parts, { ...before, ...changes }))
      const after = await parts.channels.update(id, changes, now, expectedRevision)
      return {
        body: { success: true, message: 'Channel updated' },
        audit: { target: id, ...difference(shown(before, false, undefined), shown(after, false, undefined)) },
      }
    },
  )
}

function removing(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'deleteChannel',
      method: 'DELETE',
      path: '/api/channels/{id}',
      summary: 'Removes a channel and its keys',
      description: 'Not while a composite sends to it.',
      params,
      answer: done,
      errors: ['not_found', 'conflict', 'read_only'],
    },
    async ({ params: { id }, expectedRevision }) => {
      const before = await changeable(parts, id)
      const [composite] = sendersTo(id, await parts.channels.list())
      if (composite)
        throw new GatewayError('conflict', { message: `The composite ${composite.name} sends calls to it.` })
      await parts.channels.remove(id, expectedRevision)
      return {
        body: { success: true, message: 'Channel deleted' },
        audit: { target: id, before: shown(before, false, undefined) },
      }
    },
  )
}

/** What is wrong with a channel beside the others: a composite and its targets. */
async function problemsAmongAll(parts: ChannelParts, channel: Channel): Promise<readonly FieldProblem[]> {
  if (channel.serviceType !== 'composite') return []
  const all = [...(await parts.channels.list()), ...parts.environment]
  const [sender] = sendersTo(channel.id, all)
  return [
    ...parts.compositeProblems(channel, all).map((message) => ({ field: 'compositeMappings', message })),
    ...(sender ? [{ field: 'serviceType', message: `The composite ${sender.name} sends calls to this channel.` }] : []),
  ]
}

function sendersTo(id: string, all: readonly Channel[]): readonly Channel[] {
  return all.filter(({ compositeMappings }) => compositeMappings.some(({ targets }) => targets.includes(id)))
}

function refuse(problems: readonly FieldProblem[]): void {
  if (problems.length > 0) throw requestInvalid(problems)
}
