import { z } from 'zod'
import { GatewayError } from '../domain/errors.ts'
import { type Key, type KeyFields, UNLIMITED } from '../domain/key.ts'
import type { Actor } from '../domain/operation.ts'
import { ulid } from '../domain/ulid.ts'
import { given } from './given.ts'
import { grantOf, refuseBeyond } from './key-grant.ts'
import { changeableKey, changedKey, type KeyParts, visibleKey } from './key-parts.ts'
import { keyChanges, keyParams, keyQuery, keyWithSecret, newKey, saidOf, shown, shownKey } from './key-schema.ts'
import { scopeOf } from './log-read-operations.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { requestInvalid } from './problems.ts'

const described = { tag: 'Keys', access: 'tenant', hasRevision: true } as const

/** Making, reading and changing keys. */
export function keyOperations(parts: KeyParts): readonly DocumentedOperation[] {
  return [listing(parts), reading(parts), creating(parts), updating(parts)]
}

function listing({ keys, tenants }: KeyParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'listKeys',
      method: 'GET',
      path: '/api/keys',
      summary: 'A page of the keys, oldest first, also those that were revoked',
      description: 'Whoever administers one tenant sees the keys of that one, whatever it asks for.',
      query: keyQuery,
      answer: z.strictObject({
        keys: z.array(shownKey),
        total: z.int(),
        hasMore: z.boolean(),
        limit: z.int(),
        offset: z.int(),
      }),
    },
    async ({ query: { tenant, limit, offset, ...narrowed }, actor, now }) => {
      // A name that no tenant has narrows to nothing, and not to everything.
      const asked = tenant === undefined ? undefined : ((await tenants.find(tenant))?.id ?? '')
      const filter = { ...given(narrowed), ...scopeOf(actor, asked), now, limit, offset }
      const page = await keys.list(filter)
      const hasMore = offset + page.keys.length < page.total
      return { body: { keys: page.keys.map(shown), total: page.total, hasMore, limit, offset } }
    },
  )
}

function reading(parts: KeyParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getKey',
      method: 'GET',
      path: '/api/keys/{id}',
      summary: 'One key',
      params: keyParams,
      answer: shownKey,
      errors: ['not_found'],
    },
    async ({ params: { id }, actor }) => ({ body: shown(await visibleKey(parts, actor, id)) }),
  )
}

function creating(parts: KeyParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'createKey',
      method: 'POST',
      path: '/api/keys',
      summary: 'Makes a key, and shows its secret this once',
      description:
        'Made by the key of a tenant’s administrator it belongs to that tenant, and may use what that key may use, or a part of it.',
      body: newKey,
      example: { name: 'ci', description: 'the build', rpm: 60, budgetMonthUsd: '50.00', allowedModels: ['claude-*'] },
      answer: keyWithSecret,
      status: 201,
      errors: ['conflict'],
    },
    async ({ body, actor, expectedRevision, now }) => {
      const own = await ownKey(parts, actor)
      const plain = { ...UNLIMITED, ...(own && grantOf(own)), name: body.name }
      const fields = { ...plain, ...saidOf(body) }
      if (fields.expiresAt !== null && fields.expiresAt <= now) {
        throw requestInvalid([{ field: 'expiresAt', message: 'That is in the past.' }])
      }
      if (own) refuseBeyond(own, plain, fields)
      await refuseStranger(parts, fields)
      const secret = parts.newSecret()
      const making = expectedRevision === undefined ? {} : { expectedRevision }
      const made = shown(await parts.keys.create(ulid(), fields, secret, now, making))
      return { body: { ...made, key: secret.key }, audit: { target: made.id, after: made } }
    },
  )
}

function updating(parts: KeyParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'updateKey',
      method: 'PUT',
      path: '/api/keys/{id}',
      summary: 'Changes what is named of a key; the rest stays',
      description: 'Whether it is an admin key stays, too.',
      params: keyParams,
      body: keyChanges,
      answer: shownKey,
      errors: ['not_found', 'conflict'],
    },
    async ({ params: { id }, body, actor, expectedRevision, now }) => {
      const before = await changeableKey(parts, actor, id)
      const changes = saidOf(body)
      const own = await ownKey(parts, actor)
      if (own) refuseBeyond(own, before, { ...before, ...changes })
      await refuseStranger(parts, changes)
      await parts.keys.update(id, changes, now, expectedRevision)
      return changedKey(parts, before)
    },
  )
}

/** The key with which a tenant is administrated; undefined is an administrator of all. */
async function ownKey({ keys }: KeyParts, { isAdmin, id }: Actor): Promise<Key | undefined> {
  if (isAdmin) return undefined
  const own = id === null ? undefined : await keys.findById(id)
  if (own === undefined) throw new GatewayError('admin_required')
  return own
}

async function refuseStranger({ tenants }: KeyParts, { tenantId }: Partial<KeyFields>): Promise<void> {
  if (tenantId === undefined || tenantId === null || (await tenants.find(tenantId))?.id === tenantId) return
  throw requestInvalid([{ field: 'tenantId', message: 'There is no tenant with this id.' }])
}
