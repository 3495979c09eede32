import { z } from 'zod'
import { type Key, MAX_OVERLAP_MS } from '../domain/key.ts'
import { changeableKey, changedKey, type KeyParts } from './key-parts.ts'
import { keyParams, keyWithSecret, shownKey } from './key-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'

const described = {
  tag: 'Keys',
  access: 'tenant',
  hasRevision: true,
  params: keyParams,
  errors: ['not_found'],
} as const

/** What becomes of a key: a new secret, a pause, an end, a new beginning. */
export function keyStateOperations(parts: KeyParts): readonly DocumentedOperation[] {
  const { enable, disable, revoke } = verbs
  return [
    rotating(parts),
    settingStatus(parts, { ...enable, method: 'POST', path: '/api/keys/{id}/enable' }),
    settingStatus(parts, { ...disable, method: 'POST', path: '/api/keys/{id}/disable' }),
    settingStatus(parts, { ...revoke, method: 'POST', path: '/api/keys/{id}/revoke' }),
    // Entries refer to a key by its id, so what has been one is never removed.
    settingStatus(parts, { ...revoke, id: 'deleteKey', method: 'DELETE', path: '/api/keys/{id}' }),
    resetting(parts),
  ]
}

const verbs = {
  enable: { id: 'enableKey', status: 'active', summary: 'Lets a disabled key in again' },
  disable: { id: 'disableKey', status: 'disabled', summary: 'Refuses a key until it is enabled again' },
  revoke: {
    id: 'revokeKey',
    status: 'revoked',
    summary: 'Ends a key for good; it stays in the list, and its name is free for another one',
  },
} as const

interface Verb {
  readonly id: string
  readonly method: 'POST' | 'DELETE'
  readonly path: string
  readonly status: Key['status']
  readonly summary: string
}

function settingStatus(parts: KeyParts, { status, ...verb }: Verb): DocumentedOperation {
  return operation(
    { ...described, ...verb, answer: shownKey },
    async ({ params: { id }, actor, expectedRevision, now }) => {
      const before = await changeableKey(parts, actor, id)
      await parts.keys.setStatus(id, status, now, expectedRevision)
      return changedKey(parts, before)
    },
  )
}

function rotating(parts: KeyParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'rotateKey',
      method: 'POST',
      path: '/api/keys/{id}/rotate',
      summary: 'Gives a key a new secret, and shows it this once',
      description: 'The key of a tenant’s administrator may do this to itself.',
      body: z.strictObject({
        overlapSeconds: z
          .int()
          .min(0)
          .max(MAX_OVERLAP_MS / 1000)
          .default(0)
          .describe('How long the old secret goes on; 0 refuses it at once'),
      }),
      answer: keyWithSecret,
    },
    async ({ params: { id }, body: { overlapSeconds }, actor, expectedRevision, now }) => {
      const before = await changeableKey(parts, actor, id, true)
      const secret = parts.newSecret()
      await parts.keys.rotate(id, secret, overlapSeconds * 1000, now, expectedRevision)
      const { body, audit } = await changedKey(parts, before)
      return { body: { ...body, key: secret.key }, audit }
    },
  )
}

function resetting(parts: KeyParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'resetKey',
      method: 'POST',
      path: '/api/keys/{id}/reset',
      summary: 'Gives a key back what it has used of its limits and budgets',
      description: 'Its entries and statistics stay.',
      answer: shownKey,
    },
    async ({ params: { id }, actor, expectedRevision, now }) => {
      const before = await changeableKey(parts, actor, id)
      await parts.keys.reset(id, now, expectedRevision)
      return changedKey(parts, before)
    },
  )
}
