import type { Key, KeyFields, SecretMark } from '../domain/key.ts'
import { createSecret, markSecret } from './secret.ts'

export interface AdminStore {
  findById(id: string): Promise<Key | undefined>
  hasAdmin(): Promise<boolean>
  create(id: string, fields: KeyFields, secret: SecretMark, now: number, making?: Making): Promise<unknown>
  setStatus(id: string, status: Key['status']): Promise<void>
  rotate(id: string, secret: SecretMark): Promise<void>
}

interface Making {
  readonly beforeCommit: () => void
}

/** The row of the key that comes from `ADMIN_API_KEY`: one, whatever the variable's value was over time. */
const FROM_ENVIRONMENT = 'ADMIN_API_KEY'

interface FirstKey {
  /** A ULID for the key's row. */
  readonly id: string
  readonly now: number
  /** Told before the key is there: one that cannot be told must not be. */
  readonly tell: (key: string) => void
}

/**
 * Sees to it that there is an admin key: the one from outside if it is given (and no longer, once it is not), else one
 * of our own making at the first start.
 */
export async function ensureAdmin(store: AdminStore, given: string | undefined, first: FirstKey): Promise<void> {
  const existing = await store.findById(FROM_ENVIRONMENT)
  if (given !== undefined) {
    const secret = markSecret(given)
    if (existing) {
      await store.rotate(FROM_ENVIRONMENT, secret)
      if (existing.status !== 'active') await store.setStatus(FROM_ENVIRONMENT, 'active')
    } else await store.create(FROM_ENVIRONMENT, adminFields('admin-from-environment'), secret, first.now)
    return
  }
  if (existing?.status === 'active') await store.setStatus(FROM_ENVIRONMENT, 'disabled')
  if (await store.hasAdmin()) return
  const secret = createSecret()
  const beforeCommit = (): void => first.tell(secret.key)
  await store.create(first.id, adminFields('admin'), secret, first.now, { beforeCommit })
}

function adminFields(name: string): KeyFields {
  return { name, isAdmin: true }
}
