import assert from 'node:assert/strict'
import { UNLIMITED } from '../../../proxy/domain/key.ts'
import { type Database, run, tableOf } from '../../../proxy/store/database.ts'
import { createKeyLookup } from '../../../proxy/store/key-lookup.ts'
import { migrate } from '../../../proxy/store/migrate.ts'
import { markOf, type TestDatabase, testEngines } from '../../support/database.ts'
import { undoSince } from '../../support/undo-migration.ts'

const NOON = Date.UTC(2030, 0, 1, 12)

/** What a program that knew no tenants wrote. */
function insertOld(database: Database, id: string): Promise<void> {
  return run(
    database,
    `INSERT INTO ${tableOf(database, 'api_keys')}
       (id, name, hash, prefix, status, is_admin, model, token_limit, rpm, expires_at, allowed_endpoints, budget_5h,
        budget_day, budget_month, budget_is_calendar, reset_at, created_at, last_used_at, lifetime_tokens)
     VALUES ($1, $1, $2, $1, 'active', false, NULL, NULL, 60, NULL, NULL, NULL, NULL, NULL, false, NULL, $3, NULL, 5)`,
    [id, markOf(id).hash, NOON],
  )
}

async function expectPlain({ database, keys }: TestDatabase, id: string): Promise<void> {
  const plain = { ...UNLIMITED, id, name: id, prefix: id, status: 'active', rpm: 60, tenant: null, resetAt: null }
  const dates = { previousUntil: null, createdAt: NOON, updatedAt: NOON }
  assert.deepEqual(await keys.find(id), { ...plain, ...dates, lifetimeTokens: 5, lastUsedAt: null })
  const key = await createKeyLookup(database).findByHash(markOf(id).hash, 0)
  assert.deepEqual([key?.id, key?.previousHash], [id, null])
}

testEngines('keys of before a migration are what they were, and can be changed', async (_t, store) => {
  const { database, keys } = store
  await undoSince(database, '0005-tenants')
  await assert.rejects(keys.find('key-1'), 'there are no tenants yet')
  await insertOld(database, 'old')
  await migrate(database)
  await expectPlain(store, 'old')
  await keys.tenants.create('tenant-1', { name: 'acme' }, NOON)
  await keys.update('old', { tenantId: 'tenant-1', description: 'moved' }, NOON + 1)
  const { tenant, description, updatedAt } = (await keys.find('old')) ?? {}
  assert.deepEqual([tenant?.name, description, updatedAt], ['acme', 'moved', NOON + 1])
})

testEngines('what a program that knows no tenants writes beside this one is understood', async (_t, store) => {
  const { database, keys } = store
  await insertOld(database, 'old')
  await expectPlain(store, 'old')
  await keys.rotate('key-1', markOf('next'), 3_600_000, NOON)
  const rotate = `UPDATE ${tableOf(database, 'api_keys')} SET hash = $1, prefix = 'x' WHERE id = 'key-1'`
  await run(database, rotate, [markOf('of the earlier one').hash])
  const lookup = createKeyLookup(database)
  assert.equal((await lookup.findByHash(markOf('of the earlier one').hash, 0))?.id, 'key-1')
  assert.equal(await lookup.findByHash(markOf('next').hash, 0), undefined)
})
