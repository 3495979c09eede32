import assert from 'node:assert/strict'
import type { KeyFilter } from '../../../proxy/domain/key.ts'
import { InvalidKey, NoSuchTenant, TenantInUse, TenantNameTaken } from '../../../proxy/domain/key-refusal.ts'
import { PLAIN_TENANT, type Tenant, type TenantFields } from '../../../proxy/domain/tenant.ts'
import { createKeyLookup } from '../../../proxy/store/key-lookup.ts'
import { createKeyStore } from '../../../proxy/store/keys.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { createTenantStore } from '../../../proxy/store/tenants.ts'
import { keyFields, markOf, testEngines } from '../../support/database.ts'

const NOON = Date.UTC(2030, 0, 1, 12)

const full: Required<TenantFields> = {
  name: 'Жанна & Co.',
  description: 'who "pays"',
  status: 'disabled',
  budget5h: 1,
  budgetDay: 2_500_000_000,
  budgetMonth: Number.MAX_SAFE_INTEGER,
  budgetIsCalendar: true,
}

const plain: Tenant = { ...PLAIN_TENANT, id: 'tenant-1', name: 'acme', resetAt: null, createdAt: NOON, updatedAt: NOON }

testEngines('a tenant is found as it was made, by its id and by its name', async (_t, { keys: { tenants } }) => {
  assert.deepEqual(await tenants.create('tenant-1', { name: 'acme' }, NOON), plain)
  const made = await tenants.create('tenant-2', full, NOON)
  assert.deepEqual(made, { ...full, id: 'tenant-2', resetAt: null, createdAt: NOON, updatedAt: NOON })
  for (const name of ['tenant-2', full.name]) assert.deepEqual(await tenants.find(name), made)
  assert.deepEqual(await tenants.list(), [plain, made])
  assert.equal(await tenants.find('nobody'), undefined)
})

testEngines('an id is stronger than a name', async (_t, { keys: { tenants } }) => {
  await tenants.create('tenant-1', { name: 'tenant-2' }, NOON)
  await tenants.create('tenant-2', { name: 'acme' }, NOON)
  assert.equal((await tenants.find('tenant-2'))?.name, 'acme')
})

testEngines('a tenant is changed in what is named and in nothing else, and proxies are told', async (_t, store) => {
  const { tenants } = store.keys
  await tenants.create('tenant-1', { name: 'acme' }, NOON)
  let expected = await tenants.find('tenant-1')
  let at = NOON
  const changes = Object.entries(full).map(([field, value]) => ({ [field]: value }))
  for (const change of [...changes, { budgetDay: null }, PLAIN_TENANT, full, {}]) {
    const before = await readRevision(store.database)
    at += 1
    await tenants.update('tenant-1', change, at)
    assert.notEqual(await readRevision(store.database), before)
    expected = expected && { ...expected, ...change, updatedAt: at }
    assert.deepEqual(await tenants.find('tenant-1'), expected)
  }
})

testEngines('no two tenants share a name, and none is changed that is not there', async (_t, { keys: { tenants } }) => {
  await tenants.create('tenant-1', { name: 'acme' }, NOON)
  await tenants.create('tenant-2', { name: 'other' }, NOON)
  await assert.rejects(tenants.create('tenant-3', { name: 'acme' }, NOON), TenantNameTaken)
  await assert.rejects(tenants.update('tenant-2', { name: 'acme' }), TenantNameTaken)
  await assert.rejects(tenants.update('nobody', { description: 'x' }), NoSuchTenant)
  await assert.rejects(tenants.remove('nobody'), NoSuchTenant)
  assert.deepEqual(
    (await tenants.list()).map(({ name }) => name),
    ['acme', 'other'],
  )
})

testEngines('a tenant is removed when none of its keys is left, and a revoked one is one', async (_t, { keys }) => {
  const { tenants } = keys
  await tenants.create('tenant-1', { name: 'acme' }, NOON)
  await keys.update('key-1', { tenantId: 'tenant-1' })
  await assert.rejects(tenants.remove('tenant-1'), TenantInUse)
  await keys.update('key-1', { tenantId: null })
  await keys.create('key-9', keyFields({ tenantId: 'tenant-1' }), markOf('secret'), NOON)
  await keys.setStatus('key-9', 'revoked')
  await assert.rejects(tenants.remove('tenant-1'), TenantInUse)
  await tenants.create('tenant-2', { name: 'other' }, NOON)
  await tenants.remove('tenant-2')
  assert.deepEqual(
    (await tenants.list()).map(({ id }) => id),
    ['tenant-1'],
  )
})

testEngines('a key never belongs to a tenant that was removed at that moment', async (_t, store) => {
  const other = createTenantStore(await store.openAgain())
  for (let round = 0; round < 10; round++) {
    const id = `tenant-${round}`
    await other.create(id, { name: id }, NOON)
    const [joined, removed] = await Promise.allSettled([store.keys.update('key-1', { tenantId: id }), other.remove(id)])
    assert.notEqual(joined.status, removed.status)
    const { tenantId, tenant } = (await store.keys.find('key-1')) ?? {}
    assert.equal(tenant?.id ?? null, tenantId)
    await store.keys.update('key-1', { tenantId: null })
  }
})

testEngines('a key comes with its tenant wherever it is read', async (_t, { database, keys }) => {
  const { tenants } = keys
  const tenant = await tenants.create('tenant-1', { name: 'acme', budgetDay: 5 }, NOON)
  const made = await keys.create('key-9', keyFields({ tenantId: 'tenant-1' }), markOf('secret'), NOON)
  assert.deepEqual(made.tenant, tenant)
  await tenants.update('tenant-1', { status: 'disabled' }, NOON)
  const disabled = { ...tenant, status: 'disabled' }
  const lookup = createKeyLookup(database)
  assert.deepEqual((await lookup.findByHash(markOf('secret').hash, 0))?.tenant, disabled)
  const stored = await lookup.findByIds(['key-1', 'key-9'])
  assert.deepEqual(new Map(stored.map((key) => [key.id, key.tenant])).get('key-9'), disabled)
  assert.deepEqual(new Map(stored.map((key) => [key.id, key.tenant])).get('key-1'), null)
  assert.deepEqual((await keys.findById('key-9'))?.tenant, disabled)
  assert.deepEqual((await keys.find('alice'))?.tenant, disabled)
  assert.deepEqual((await keys.list({ now: NOON, limit: 9, offset: 0 })).keys.at(-1)?.tenant, disabled)
})

testEngines(
  'a key has a tenant that exists, and administrates all or one tenant or none',
  async (_t, { keys, query }) => {
    await keys.tenants.create('tenant-1', { name: 'acme' }, NOON)
    const before = await query('SELECT api_keys.*, value FROM api_keys, settings ORDER BY id')
    const wrong = [
      [{ tenantId: 'nobody' }, NoSuchTenant],
      [{ isTenantAdmin: true }, InvalidKey],
    ] as const
    for (const [fields, error] of wrong) {
      await assert.rejects(keys.update('key-1', fields), error)
      await assert.rejects(keys.create('key-9', keyFields(fields), markOf('secret'), NOON), error)
    }
    const both = keyFields({ isAdmin: true, isTenantAdmin: true, tenantId: 'tenant-1' })
    await assert.rejects(keys.create('key-9', both, markOf('secret'), NOON), InvalidKey)
    assert.deepEqual(await query('SELECT api_keys.*, value FROM api_keys, settings ORDER BY id'), before)

    await keys.update('key-1', { tenantId: 'tenant-1', isTenantAdmin: true })
    await assert.rejects(keys.update('key-1', { tenantId: null }), InvalidKey)
    assert.equal((await keys.find('key-1'))?.isTenantAdmin, true)
  },
)

testEngines('no change makes an admin key', async (_t, { keys }) => {
  const changes = keyFields({ name: 'root', isAdmin: true })
  await keys.update('key-1', changes)
  const key = await keys.find('key-1')
  assert.deepEqual([key?.name, key?.isAdmin], ['root', false])
})

testEngines('keys are listed by tenant and by a part of their names', async (_t, { keys }) => {
  await keys.tenants.create('tenant-1', { name: 'key-2' }, NOON) // a name that is also a key's
  const names = ['Build 100%', 'build_1', 'buildx1', 'Жанна']
  for (const name of names) await keys.create(`id-${name}`, keyFields({ name }), markOf(name), NOON)
  await keys.update('key-2', { tenantId: 'tenant-1' })
  await keys.update('id-build_1', { tenantId: 'tenant-1' })
  const listed = async (filter: Partial<KeyFilter>): Promise<string[]> =>
    (await keys.list({ now: NOON, limit: 100, offset: 0, ...filter })).keys.map(({ name }) => name).toSorted()
  assert.deepEqual(await listed({ tenantId: 'tenant-1' }), ['build_1', 'key-2'])
  assert.deepEqual(await listed({ tenantId: 'nobody' }), [])
  assert.deepEqual(await listed({ search: 'BUILD' }), ['Build 100%', 'build_1', 'buildx1'])
  assert.deepEqual(await listed({ search: 'd_1' }), ['build_1'], 'an underscore is itself')
  assert.deepEqual(await listed({ search: '%' }), ['Build 100%'])
  assert.deepEqual(await listed({ search: "'\\" }), [])
  assert.deepEqual(await listed({ search: 'Жан' }), ['Жанна'])
  assert.deepEqual(await listed({ search: 'key', tenantId: 'tenant-1' }), ['key-2'])
  assert.deepEqual(await listed({ search: 'build', limit: 1, offset: 1 }), ['build_1'])
})

testEngines('a write that expects another revision changes nothing', async (_t, { database, keys, query }) => {
  const { tenants } = keys
  await tenants.create('tenant-1', { name: 'acme' }, NOON)
  const stale = await readRevision(database)
  await keys.update('key-1', { rpm: 1 }, NOON, stale)
  const state = async (): Promise<object[]> => [
    ...(await query('SELECT * FROM api_keys ORDER BY id')),
    ...(await query('SELECT * FROM tenants')),
    ...(await query('SELECT * FROM settings')),
  ]
  const before = await state()
  const writes: readonly ((expected: string) => Promise<unknown>)[] = [
    (expectedRevision) => keys.create('key-9', keyFields(), markOf('secret'), NOON, { expectedRevision }),
    (expected) => keys.update('key-1', { rpm: 2 }, NOON, expected),
    (expected) => keys.reset('key-1', NOON, expected),
    (expected) => keys.setStatus('key-1', 'disabled', NOON, expected),
    (expected) => keys.rotate('key-1', markOf('another'), 0, NOON, expected),
    (expected) => tenants.create('tenant-2', { name: 'other' }, NOON, expected),
    (expected) => tenants.update('tenant-1', { description: 'x' }, NOON, expected),
    (expected) => tenants.reset('tenant-1', NOON, expected),
    (expected) => tenants.remove('tenant-1', expected),
  ]
  for (const write of writes) await assert.rejects(write(stale), { name: 'RevisionConflict' })
  assert.deepEqual(await state(), before)
  for (const write of writes) await write(await readRevision(database))
})

testEngines('of two who change what they have both read one does', async (_t, { database, keys, openAgain }) => {
  const other = createKeyStore(await openAgain())
  for (let round = 1; round <= 10; round++) {
    const expected = await readRevision(database)
    const outcomes = await Promise.allSettled([
      keys.update('key-1', { rpm: round }, NOON, expected),
      other.update('key-2', { rpm: round }, NOON, expected),
    ])
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected')
    assert.deepEqual(
      lost.map(({ reason }) => (reason as Error).name), // safe: what rejects here are errors
      ['RevisionConflict'],
    )
  }
})
