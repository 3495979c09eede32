import { createSecret } from '../../proxy/auth/secret.ts'
import type { KeyFields } from '../../proxy/domain/key.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { NOW } from './admin-api.ts'
import type { TestDatabase } from './database.ts'

/** The id of the key that `tenant` is the credential of. */
export const LEAD = '01JGF00000000000000TENANTS'

/** Two tenants, `tenant-1` with its administrator and `tenant-2`; `makeKey` answers the id of a key. */
export async function withTenants({ keys }: Pick<TestDatabase, 'keys'>, lead: Partial<KeyFields> = {}) {
  await keys.tenants.create('tenant-1', { name: 'acme' }, NOW)
  await keys.tenants.create('tenant-2', { name: 'other' }, NOW)
  const makeKey = async (name: string, fields: Partial<KeyFields> = {}, id = ulid()): Promise<string> =>
    (await keys.create(id, { name, ...fields }, createSecret(), NOW)).id
  await makeKey('lead', { tenantId: 'tenant-1', isTenantAdmin: true, ...lead }, LEAD)
  return { makeKey }
}
