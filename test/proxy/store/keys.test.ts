import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyFilter } from '../../../proxy/domain/key.ts'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import { NameTaken, NoLivingKey, SecretTaken } from '../../../proxy/domain/key-refusal.ts'
import { createKeyLookup } from '../../../proxy/store/key-lookup.ts'
import { createKeyStore } from '../../../proxy/store/keys.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { keyFields, markOf, openDatabase, testEngines } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'

const MINUTE_MS = 60_000
const NOW = 1_800_000_000_000
const ALL = { now: NOW, limit: 1000, offset: 0 }

testEngines('a key is found as it was made', async (_t, { database, keys }) => {
  const fields = keyFields({
    name: 'Жанна',
    description: 'of the team "Ü"',
    isAdmin: true,
    model: 'claude-fake',
    tokenLimit: 9_000_000_000_000,
    rpm: 60,
    expiresAt: NOW + 1,
    allowedEndpoints: ['files/*'],
    allowedModels: ['claude-*', 'gpt-5?'],
    allowedChannels: ['0a1b2c3d', 'env-openai'],
    budget5h: 1,
    budgetDay: 2_500_000_000,
    budgetMonth: Number.MAX_SAFE_INTEGER,
    budgetIsCalendar: true,
  })
  const made = await keys.create('key-9', fields, markOf('secret 9'), NOW)
  assert.deepEqual(made, {
    ...fields,
    id: 'key-9',
    prefix: 'secret 9',
    status: 'active',
    tenant: null,
    resetAt: null,
    previousUntil: null,
    createdAt: NOW,
    updatedAt: NOW,
    lifetimeTokens: 0,
    lastUsedAt: null,
  })
  assert.deepEqual(await keys.find('key-9'), made)
  assert.deepEqual(await keys.find('Жанна'), made)
  assert.deepEqual((await keys.list(ALL)).keys.at(-1), made)
  const { lifetimeTokens: _, lastUsedAt: __, ...key } = made
  const { hash } = markOf('secret 9')
  const stored = { ...key, hash, previousHash: null }
  const usage = { lifetimeTokens: 0, lastUsedAt: null, minutes: [] }
  assert.deepEqual(await createKeyLookup(database).findByHash(hash, 0), { ...stored, usage })
  assert.deepEqual(await createKeyLookup(database).findByIds(['key-9', 'nobody']), [stored])
  assert.equal(await createKeyLookup(database).findByHash('another hash', 0), undefined)
  assert.equal(await keys.find('nobody'), undefined)
})

testEngines(
  'a key comes with what it used since the instant that was asked for, by minutes',
  async (_t, { database }) => {
    const minute = NOW - (NOW % MINUTE_MS)
    const spends = [
      [minute - MINUTE_MS - 1, 1],
      [minute - 1, 2],
      [minute, 4],
      [minute + MINUTE_MS - 1, 8],
    ] as const
    await writeEntries(
      database,
      spends.map(([admittedAt, spend]) => rowJson(closedEntry({ admittedAt, spend }))),
    )
    const key = await createKeyLookup(database).findByHash(markOf('key-1').hash, minute - MINUTE_MS)
    assert.deepEqual(key?.usage, {
      lifetimeTokens: 15,
      lastUsedAt: minute + MINUTE_MS - 1,
      minutes: [
        { start: minute - MINUTE_MS, amount: 2 },
        { start: minute, amount: 12 },
      ],
    })
  },
)

testEngines('of two keys that are not revoked no two have the same name', async (_t, { keys }) => {
  const again = (): Promise<unknown> =>
    keys.create('key-9', keyFields({ name: 'key-1' }), markOf('another secret'), NOW)
  await assert.rejects(again(), NameTaken)
  await keys.setStatus('key-1', 'disabled')
  await assert.rejects(again(), NameTaken)
  await keys.setStatus('key-1', 'revoked')
  await again()
  assert.equal((await keys.find('key-1'))?.status, 'revoked', 'an id is stronger than a name')
  assert.deepEqual((await keys.list(ALL)).keys.map(({ id, status }) => [id, status]).at(-1), ['key-9', 'active'])
})

testEngines('of many keys that are made at once under one name one is made', async (_t, { keys, query }) => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, place) => keys.create(`key-${place + 10}`, keyFields(), markOf(`${place}`), NOW)),
  )
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.ok(outcomes.every((outcome) => outcome.status === 'fulfilled' || outcome.reason instanceof NameTaken))
  assert.equal((await query("SELECT id FROM api_keys WHERE name = 'alice'")).length, 1)
})

testEngines(
  'a key that was rotated is found by its new secret and no longer by the old one',
  async (_t, { database, keys }) => {
    await keys.rotate('key-1', markOf('a new secret'))
    assert.equal(await createKeyLookup(database).findByHash(markOf('key-1').hash, 0), undefined)
    const key = await createKeyLookup(database).findByHash(markOf('a new secret').hash, 0)
    assert.deepEqual([key?.id, key?.prefix], ['key-1', 'a new se'])
  },
)

testEngines('an admin key is remembered even when it was revoked', async (_t, { keys }) => {
  assert.equal(await keys.hasAdmin(), false)
  await keys.create('admin', keyFields({ name: 'root', isAdmin: true }), markOf('root'), NOW)
  await keys.setStatus('admin', 'revoked')
  assert.equal(await keys.hasAdmin(), true)
})

testEngines('what another process changes is seen', async (_t, { keys, openAgain }) => {
  const other = await openAgain()
  await createKeyStore(other).setStatus('key-2', 'revoked')
  assert.equal((await keys.find('key-2'))?.status, 'revoked')
})

test('two stores in one process each keep to their own database', async (t) => {
  const [one, two] = [await openDatabase(t), await openDatabase(t)]
  await two.keys.setStatus('key-1', 'disabled')
  assert.equal((await one.keys.find('key-1'))?.status, 'active')
  assert.equal((await two.keys.find('key-1'))?.status, 'disabled')
})

testEngines(
  'a revoked key is changed by nobody, and a change that was none is not told',
  async (_t, { keys, query }) => {
    await keys.setStatus('key-1', 'revoked')
    const before = await query("SELECT api_keys.*, value FROM api_keys, settings WHERE id = 'key-1'")
    await assert.rejects(keys.setStatus('key-1', 'active'), NoLivingKey)
    await assert.rejects(keys.rotate('key-1', markOf('a new secret')), NoLivingKey)
    await assert.rejects(keys.setStatus('nobody', 'active'), NoLivingKey)
    assert.deepEqual(await query("SELECT api_keys.*, value FROM api_keys, settings WHERE id = 'key-1'"), before)
  },
)

testEngines('a secret that another key has, even a revoked one, is told apart from a name', async (_t, { keys }) => {
  await keys.setStatus('key-1', 'revoked')
  await assert.rejects(keys.create('key-9', keyFields(), markOf('key-1'), NOW), SecretTaken)
  await assert.rejects(keys.rotate('key-2', markOf('key-1')), SecretTaken)
  await assert.rejects(keys.create('key-2', keyFields(), markOf('another'), NOW), NameTaken)
})

testEngines('by id a key is not mistaken for one that has the id as its name', async (_t, { keys }) => {
  await keys.create('key-9', keyFields({ name: 'ADMIN_API_KEY' }), markOf('secret'), NOW)
  assert.equal(await keys.findById('ADMIN_API_KEY'), undefined)
  assert.equal((await keys.findById('key-9'))?.name, 'ADMIN_API_KEY')
})

testEngines('keys are listed by model and state, page by page', async (_t, { keys }) => {
  for (const id of ['key-1', 'key-2', 'key-3']) await keys.setStatus(id, 'revoked')
  const made = [
    { name: 'a', model: 'one', expiresAt: NOW },
    { name: 'b', model: 'one', expiresAt: NOW + 1 },
    { name: 'c', model: 'two', expiresAt: null },
    { name: 'd', model: null, expiresAt: null },
    { name: 'e', model: 'one', expiresAt: null },
    { name: 'f', model: 'one', expiresAt: NOW - 1 },
  ]
  for (const fields of made) await keys.create(`made-${fields.name}`, keyFields(fields), markOf(fields.name), NOW)
  await keys.setStatus('made-d', 'disabled')
  await keys.setStatus('made-f', 'revoked')
  const listed = async (filter: Partial<KeyFilter>): Promise<[string, number]> => {
    const page = await keys.list({ ...ALL, ...filter })
    return [page.keys.map(({ name }) => name).join(' '), page.total]
  }
  assert.deepEqual(await listed({}), ['key-1 key-2 key-3 a b c d e f', 9])
  assert.deepEqual(await listed({ model: 'one' }), ['a b e f', 4])
  assert.deepEqual(await listed({ model: 'none' }), ['', 0])
  assert.deepEqual(await listed({ state: 'active' }), ['b c e', 3])
  assert.deepEqual(await listed({ state: 'expired' }), ['a f', 2])
  assert.deepEqual(await listed({ state: 'expired', now: NOW + 1 }), ['a b f', 3])
  assert.deepEqual(await listed({ model: 'one', state: 'active' }), ['b e', 2])
  assert.deepEqual(await listed({ state: 'disabled' }), ['d', 1])
  assert.deepEqual(await listed({ state: 'revoked', model: 'one' }), ['f', 1])
  assert.deepEqual(await listed({ limit: 2 }), ['key-1 key-2', 9])
  assert.deepEqual(await listed({ model: 'one', limit: 2, offset: 1 }), ['b e', 4])
  assert.deepEqual(await listed({ limit: 5, offset: 7 }), ['e f', 9])
  assert.deepEqual(await listed({ offset: 9 }), ['', 9])
})

testEngines('a key that cannot be told is not there, and nobody hears of a change', async (_t, { keys, query }) => {
  const before = await query('SELECT value FROM settings')
  const cannotTell = (): never => {
    throw new Error('the terminal is gone')
  }
  await assert.rejects(
    keys.create('key-9', keyFields(), markOf('secret'), NOW, { beforeCommit: cannotTell }),
    /the terminal is gone/,
  )
  assert.equal(await keys.findById('key-9'), undefined)
  assert.deepEqual(await query('SELECT value FROM settings'), before)
  let told = 0
  await assert.rejects(
    keys.create('key-9', keyFields({ name: 'key-1' }), markOf('s'), NOW, { beforeCommit: () => (told += 1) }),
    NameTaken,
  )
  assert.equal(told, 0, 'a key that is not made is not told')
  await keys.create('key-9', keyFields(), markOf('secret'), NOW, { beforeCommit: () => (told += 1) })
  assert.equal(told, 1)
})

testEngines(
  'what a database refuses is told as a storage error that says what was tried',
  async (_t, { keys, query }) => {
    await query('ALTER TABLE api_keys RENAME TO away')
    for (const [operation, work] of [
      ['find a key', () => keys.find('key-1')],
      ['find a key', () => keys.findById('key-1')],
      ['list keys', () => keys.list(ALL)],
      ['find an admin key', () => keys.hasAdmin()],
      ['make a key', () => keys.create('key-9', keyFields(), markOf('secret'), NOW)],
      ['change a key', () => keys.setStatus('key-1', 'revoked')],
      ['change a key', () => keys.rotate('key-1', markOf('secret'))],
      ['change a key', () => keys.update('key-1', { rpm: 1 })],
      ['change a key', () => keys.reset('key-1', NOW)],
    ] as const) {
      await assert.rejects(work(), { name: 'StoreError', kind: 'query', operation })
    }
  },
)
