import { z } from 'zod'
import { changeable, type ChannelParts } from './channel-parts.ts'
import { apiKeys, channelId } from './channel-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { requestInvalid } from './problems.ts'
import { done, instant, iso } from './schemas.ts'

const described = { tag: 'Channels', access: 'admin', hasRevision: true } as const
const params = z.strictObject({ id: channelId })
const keyParams = params.extend({ keyId: z.string().regex(/^[\w-]{1,26}$/) })
const errors = ['not_found', 'read_only'] as const

/** The keys of a channel's upstream accounts. */
export function channelKeyOperations(parts: ChannelParts): readonly DocumentedOperation[] {
  return [listing(parts), adding(parts), removing(parts), moving(parts, 'top'), moving(parts, 'bottom')]
}

function listing(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'listChannelKeys',
      method: 'GET',
      path: '/api/channels/{id}/keys',
      summary: 'The keys of a channel in their order, also those that cannot be decrypted',
      params,
      answer: z.strictObject({
        keys: z.array(z.strictObject({ id: z.string(), masked: z.string(), createdAt: instant })),
      }),
      errors,
    },
    async ({ params: { id } }) => {
      await changeable(parts, id)
      const keys = await parts.channels.keys.list(id)
      return {
        body: { keys: keys.map((key) => ({ id: key.id, masked: key.preview, createdAt: iso(key.createdAt) })) },
      }
    },
  )
}

function adding(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'addChannelKeys',
      method: 'POST',
      path: '/api/channels/{id}/keys',
      summary: 'Adds keys behind those of a channel; one that it has already is passed over',
      params,
      body: z.strictObject({ apiKeys: apiKeys.min(1) }),
      answer: done.extend({ added: z.int() }),
      status: 201,
      errors,
    },
    async ({ params: { id }, body, expectedRevision, now }) => {
      const { serviceType } = await changeable(parts, id)
      if (serviceType === 'composite') throw requestInvalid([{ field: 'apiKeys', message: 'A composite has no keys.' }])
      const added = await parts.channels.keys.add(id, body.apiKeys, now, expectedRevision)
      return {
        body: { success: true, message: added === 1 ? '1 key added' : `${added} keys added`, added },
        audit: { target: id, after: { added } },
      }
    },
  )
}

function removing(parts: ChannelParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'deleteChannelKey',
      method: 'DELETE',
      path: '/api/channels/{id}/keys/{keyId}',
      summary: 'Removes a key from a channel',
      params: keyParams,
      answer: done,
      errors,
    },
    async ({ params: { id, keyId }, expectedRevision }) => {
      await changeable(parts, id)
      const removed = (await parts.channels.keys.list(id)).find((key) => key.id === keyId)
      await parts.channels.keys.remove(id, keyId, expectedRevision)
      return {
        body: { success: true, message: 'Key removed' },
        audit: { target: id, before: { keyId, masked: removed?.preview } },
      }
    },
  )
}

function moving(parts: ChannelParts, to: 'top' | 'bottom'): DocumentedOperation {
  return operation(
    {
      ...described,
      id: to === 'top' ? 'moveChannelKeyToTop' : 'moveChannelKeyToBottom',
      method: 'POST',
      path: `/api/channels/{id}/keys/{keyId}/${to}`,
      summary: to === 'top' ? 'Puts a key before the others' : 'Puts a key behind the others',
      params: keyParams,
      answer: done,
      errors,
    },
    async ({ params: { id, keyId }, expectedRevision }) => {
      await changeable(parts, id)
      await parts.channels.keys.move(id, keyId, to, expectedRevision)
      return { body: { success: true, message: 'Key moved' }, audit: { target: id, after: { keyId, to } } }
    },
  )
}
