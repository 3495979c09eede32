import type { KeySummary } from '../domain/key.ts'
import type { Tenant } from '../domain/tenant.ts'
import type { KeyStore } from '../store/keys.ts'
import { CommandError } from './errors.ts'

/** Does `work` with the keys of the database that is configured, and says in a sentence why it could not. */
export type WithKeyStore = (work: (store: KeyStore) => Promise<void>) => Promise<void>

/** A key by its name or its id. */
export async function findKey(store: KeyStore, name: string): Promise<KeySummary> {
  const key = await store.find(name)
  if (!key) throw new CommandError(`There is no key ${name}. tollgate keys list shows them all.`)
  return key
}

/** Likewise, where a revoked one will not do. */
export async function findLivingKey(store: KeyStore, name: string): Promise<KeySummary> {
  const key = await findKey(store, name)
  if (key.status === 'revoked') throw new CommandError(`${key.name} was revoked, and that is final. Make a new key.`)
  return key
}

/** A tenant by its name or its id. */
export async function findTenant({ tenants }: KeyStore, name: string): Promise<Tenant> {
  const tenant = await tenants.find(name)
  if (!tenant) throw new CommandError(`There is no tenant ${name}. tollgate tenants list shows them all.`)
  return tenant
}

export function nameTaken(name: string): CommandError {
  return new CommandError(`There is a key named ${name} already. Choose another name, or rotate or revoke that key.`)
}
