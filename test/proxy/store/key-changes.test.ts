import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KeyChanges, UNLIMITED } from '../../../proxy/domain/key.ts'
import { NameTaken, NoLivingKey } from '../../../proxy/domain/key-refusal.ts'
import { run, tableOf } from '../../../proxy/store/database.ts'
import { createKeyLookup } from '../../../proxy/store/key-lookup.ts'
import { createKeyStore } from '../../../proxy/store/keys.ts'
import { createBank } from '../../../proxy/store/leases.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { createTurns } from '../../../proxy/store/turns.ts'
import { countersOf, interrupted, sumsOf, write } from '../../support/counters.ts'
import { keyFields, markOf, openDatabase, type TestDatabase, testEngines } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'

const MINUTE_MS = 60_000
const REQUESTS = { bucketMs: 1000, lengthMs: MINUTE_MS }
const NOON = Date.UTC(2030, 0, 1, 12)

const full: Required<KeyChanges> = {
  name: 'full',
  description: 'all of it',
  tenantId: null,
  isTenantAdmin: false,
  model: 'claude-fake',
  tokenLimit: 9_000_000_000_000,
  rpm: 60,
  expiresAt: NOON,
  allowedEndpoints: ['files/*'],
  allowedModels: ['claude-*'],
  allowedChannels: [],
  budget5h: 1,
  budgetDay: 2_500_000_000,
  budgetMonth: Number.MAX_SAFE_INTEGER,
  budgetIsCalendar: true,
}

testEngines('what is left out of a new key is not limited', async (_t, { keys }) => {
  const made = await keys.create('key-9', { name: 'bare' }, markOf('bare'), NOON)
  assert.deepEqual(made, {
    ...UNLIMITED,
    id: 'key-9',
    name: 'bare',
    prefix: 'bare',
    status: 'active',
    tenant: null,
    resetAt: null,
    previousUntil: null,
    createdAt: NOON,
    updatedAt: NOON,
    lifetimeTokens: 0,
    lastUsedAt: null,
  })
})

testEngines('a key is changed in what is named, and in nothing else', async (_t, { database, keys }) => {
  await keys.create('key-9', keyFields({ name: 'before' }), markOf('secret 9'), NOON)
  let expected = await keys.find('key-9')
  let at = NOON
  const changes = Object.entries(full).map(([field, value]) => ({ [field]: value }))
  for (const change of [...changes, ...changes.slice(0, 1), { model: null, budgetDay: null }, full, {}]) {
    const before = await readRevision(database)
    at += 1
    await keys.update('key-9', change, at)
    assert.notEqual(await readRevision(database), before, 'running proxies are told')
    expected = expected && { ...expected, ...change, updatedAt: at }
    assert.deepEqual(await keys.find('key-9'), expected)
  }
  const [known] = await createKeyLookup(database).findByIds(['key-9'])
  assert.deepEqual([known?.budget5h, known?.budgetIsCalendar, known?.hash], [1, true, markOf('secret 9').hash])
})

testEngines('of changes of one key at once none is lost', async (_t, { keys, openAgain }) => {
  const other = createKeyStore(await openAgain())
  for (let round = 1; round <= 10; round++) {
    await Promise.all([keys.update('key-1', { rpm: round }), other.update('key-1', { tokenLimit: round })])
    const key = await keys.find('key-1')
    assert.deepEqual([key?.rpm, key?.tokenLimit], [round, round])
  }
})

testEngines(
  'a key does not get the name of another, nor is one changed that was revoked',
  async (_t, { keys, query }) => {
    const rows = (): Promise<object[]> => query('SELECT api_keys.*, value FROM api_keys, settings ORDER BY id')
    await keys.setStatus('key-3', 'revoked')
    const before = await rows()
    await assert.rejects(keys.update('key-1', { name: 'key-2', rpm: 5 }), NameTaken)
    for (const id of ['key-3', 'nobody']) {
      await assert.rejects(keys.update(id, { rpm: 5 }), NoLivingKey)
      await assert.rejects(keys.reset(id, NOON), NoLivingKey)
    }
    assert.deepEqual(await rows(), before)
    await keys.update('key-1', { name: 'key-3' })
    assert.equal((await keys.findById('key-1'))?.name, 'key-3')
  },
)

/** What counts against the limits of a key. */
function usageOf({ query }: TestDatabase, subject: string): Promise<object[]> {
  return query(
    `SELECT unit, start, CAST(sum(amount) AS BIGINT) AS amount FROM limit_usage WHERE subject = $1
     GROUP BY unit, start HAVING sum(amount) <> 0 ORDER BY 1, 2`,
    subject,
  )
}

/** A spend in each of the last minutes, and requests that no entry tells of. */
async function spend({ database }: TestDatabase, keyId: string): Promise<void> {
  const entries = [0, 1, 2].map((minutes) =>
    closedEntry({ keyId, admittedAt: NOON - minutes * MINUTE_MS, spend: 10, costNanoUsd: 100 }),
  )
  await write({ database }, entries)
  await run(database, `INSERT INTO ${tableOf(database, 'limit_buckets')} VALUES ($1, 'requests', $2, 4)`, [keyId, NOON])
}

testEngines('a reset gives a key back what it has used, and no other one', async (_t, store) => {
  const { database, keys, query } = store
  await spend(store, 'key-1')
  await spend(store, 'key-2')
  const others = await usageOf(store, 'key-2')
  assert.equal(others.length, 3 + 3 + 2 + 1)
  const revision = await readRevision(database)
  await keys.reset('key-1', NOON + 5)
  assert.deepEqual(await usageOf(store, 'key-1'), [])
  assert.deepEqual(await usageOf(store, 'key-2'), others)
  assert.deepEqual([(await keys.find('key-1'))?.resetAt, (await keys.find('key-2'))?.resetAt], [NOON + 5, null])
  assert.notEqual(await readRevision(database), revision, 'running proxies are told')
  const lookup = createKeyLookup(database)
  const usage = { lifetimeTokens: 30, lastUsedAt: NOON, minutes: [] }
  assert.deepEqual((await lookup.findByHash(markOf('key-1').hash, 0))?.usage, usage)
  assert.deepEqual(await lookup.usageOf('key-1', 0), usage)
  assert.equal((await lookup.usageOf('key-2', NOON - MINUTE_MS))?.minutes.length, 2)
  assert.equal(await lookup.usageOf('nobody', 0), undefined)
  const [counters, sums] = [await countersOf(store), await sumsOf(store)]
  assert.deepEqual([counters.windows, counters.stats], [sums.windows, sums.stats], 'what was used is not forgotten')
  assert.equal((await query('SELECT id FROM request_logs')).length, 6)
})

testEngines('what a key uses after a reset counts, and a second reset gives that back, too', async (_t, store) => {
  await spend(store, 'key-1')
  await store.keys.reset('key-1', NOON)
  await write(store, [closedEntry({ keyId: 'key-1', admittedAt: NOON, spend: 3, costNanoUsd: 5 })])
  const used = [
    { unit: 'tokens', start: NOON, amount: 3 },
    { unit: 'usd_hour', start: NOON, amount: 5 },
    { unit: 'usd_minute', start: NOON, amount: 5 },
  ]
  assert.deepEqual(
    (await usageOf(store, 'key-1')).map((row) => ({ ...row })),
    used,
  )
  for (let twice = 0; twice < 2; twice++) {
    await store.keys.reset('key-1', NOON)
    assert.deepEqual(await usageOf(store, 'key-1'), [])
  }
})

test('postgres: resets among commits and counted requests of the same key never wait in a circle', async (t) => {
  const store = await openDatabase(t, 'postgres')
  const others = await Promise.all([store.openAgain(), store.openAgain(), store.openAgain()])
  const [writer, borrower, resetter] = others
  assert.ok(writer && borrower && resetter)
  const entries = Array.from({ length: 40 }, (_, place) =>
    closedEntry({ keyId: `key-${1 + (place % 3)}`, admittedAt: NOON + place * MINUTE_MS, spend: 1, costNanoUsd: 1 }),
  )
  const used = Array.from({ length: 20 }, (_, second) => [NOON + second * 1000, 1] as const)
  const ask = { unit: 'requests', span: REQUESTS, limit: 1000, base: 0, wanted: 0, spare: 0, used } as const
  const asks = ['key-1', 'key-2', 'key-3'].map((subject) => ({ ...ask, subject }))
  const bank = createBank(borrower, 'replica', createTurns())
  const keys = createKeyStore(resetter)
  for (let round = 0; round < 30; round++) {
    const batch = round % 2 === 0 ? entries.map((entry) => interrupted(entry, 5, 9)) : entries
    await Promise.all([
      write({ database: writer }, batch.slice(round, round + 10)),
      write({ database: store.database }, batch.slice(round).toReversed()),
      bank.borrow(() => asks),
      ...['key-3', 'key-1', 'key-2'].map((id) => keys.reset(id, NOON)),
    ])
  }
  const [counters, sums] = [await countersOf(store), await sumsOf(store)]
  assert.deepEqual([counters.windows, counters.stats], [sums.windows, sums.stats])
  for (const id of ['key-1', 'key-2', 'key-3']) {
    await keys.reset(id, NOON)
    assert.deepEqual(await usageOf(store, id), [])
  }
})
