import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSqlite } from '../../../proxy/store/database.ts'
import { createKeyStore, NameTaken, NoLivingKey, SecretTaken } from '../../../proxy/store/keys.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { keyFields, markOf, openDatabase } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'

const MINUTE_MS = 60_000
const NOW = 1_800_000_000_000

test('a key is found as it was made', async (t) => {
  const { keys } = await openDatabase(t)
  const fields = keyFields({
    name: 'Жанна',
    isAdmin: true,
    model: 'claude-fake',
    tokenLimit: 9_000_000_000_000,
    rpm: 60,
    expiresAt: NOW + 1,
    allowedEndpoints: ['files/*'],
  })
  const made = await keys.create('key-9', fields, markOf('secret 9'), NOW)
  assert.deepEqual(made, { ...fields, id: 'key-9', prefix: 'secret 9', status: 'active', createdAt: NOW })
  const summary = { ...made, lifetimeTokens: 0, lastUsedAt: null }
  assert.deepEqual(await keys.find('key-9'), summary)
  assert.deepEqual(await keys.find('Жанна'), summary)
  assert.deepEqual((await keys.list()).at(-1), summary)
  const { hash } = markOf('secret 9')
  const usage = { lifetimeTokens: 0, lastUsedAt: null, minutes: [] }
  assert.deepEqual(await keys.findByHash(hash, 0), { ...made, hash, usage })
  assert.deepEqual(await keys.findByIds(['key-9', 'nobody']), [{ ...made, hash }])
  assert.equal(await keys.findByHash('another hash', 0), undefined)
  assert.equal(await keys.find('nobody'), undefined)
})

test('a key comes with what it used since the instant that was asked for, by minutes', async (t) => {
  const { keys, database } = await openDatabase(t)
  const minute = NOW - (NOW % MINUTE_MS)
  const spends = [
    [minute - MINUTE_MS - 1, 1],
    [minute - 1, 2],
    [minute, 4],
    [minute + MINUTE_MS - 1, 8],
  ] as const
  await writeEntries(
    database,
    spends.map(([admittedAt, spend]) => closedEntry({ admittedAt, spend })),
  )
  const key = await keys.findByHash(markOf('key-1').hash, minute - MINUTE_MS)
  assert.deepEqual(key?.usage, {
    lifetimeTokens: 15,
    lastUsedAt: minute + MINUTE_MS - 1,
    minutes: [
      { start: minute - MINUTE_MS, amount: 2 },
      { start: minute, amount: 12 },
    ],
  })
})

test('of two keys that are not revoked no two have the same name', async (t) => {
  const { keys } = await openDatabase(t)
  const again = (): Promise<unknown> =>
    keys.create('key-9', keyFields({ name: 'key-1' }), markOf('another secret'), NOW)
  await assert.rejects(again(), NameTaken)
  await keys.setStatus('key-1', 'disabled')
  await assert.rejects(again(), NameTaken)
  await keys.setStatus('key-1', 'revoked')
  await again()
  assert.equal((await keys.find('key-1'))?.status, 'revoked', 'an id is stronger than a name')
  assert.deepEqual((await keys.list()).map(({ id, status }) => [id, status]).at(-1), ['key-9', 'active'])
})

test('of many keys that are made at once under one name one is made', async (t) => {
  const { keys, query } = await openDatabase(t)
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, place) => keys.create(`key-${place + 10}`, keyFields(), markOf(`${place}`), NOW)),
  )
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.ok(outcomes.every((outcome) => outcome.status === 'fulfilled' || outcome.reason instanceof NameTaken))
  assert.equal((await query("SELECT id FROM api_keys WHERE name = 'alice'")).length, 1)
})

test('a key that was rotated is found by its new secret and no longer by the old one', async (t) => {
  const { keys } = await openDatabase(t)
  await keys.rotate('key-1', markOf('a new secret'))
  assert.equal(await keys.findByHash(markOf('key-1').hash, 0), undefined)
  const key = await keys.findByHash(markOf('a new secret').hash, 0)
  assert.deepEqual([key?.id, key?.prefix], ['key-1', 'a new se'])
})

test('an admin key is remembered even when it was revoked', async (t) => {
  const { keys } = await openDatabase(t)
  assert.equal(await keys.hasAdmin(), false)
  await keys.create('admin', keyFields({ name: 'root', isAdmin: true }), markOf('root'), NOW)
  await keys.setStatus('admin', 'revoked')
  assert.equal(await keys.hasAdmin(), true)
})

test('what another process changes is seen', async (t) => {
  const { keys, path } = await openDatabase(t)
  const other = await openSqlite(path)
  await createKeyStore(other).setStatus('key-2', 'revoked')
  assert.equal((await keys.find('key-2'))?.status, 'revoked')
  await other.close()
})

test('two stores in one process each keep to their own database', async (t) => {
  const [one, two] = [await openDatabase(t), await openDatabase(t)]
  await two.keys.setStatus('key-1', 'disabled')
  assert.equal((await one.keys.find('key-1'))?.status, 'active')
  assert.equal((await two.keys.find('key-1'))?.status, 'disabled')
})

test('a revoked key is changed by nobody, and a change that was none is not told', async (t) => {
  const { keys, query } = await openDatabase(t)
  await keys.setStatus('key-1', 'revoked')
  const before = await query("SELECT api_keys.*, value FROM api_keys, settings WHERE id = 'key-1'")
  await assert.rejects(keys.setStatus('key-1', 'active'), NoLivingKey)
  await assert.rejects(keys.rotate('key-1', markOf('a new secret')), NoLivingKey)
  await assert.rejects(keys.setStatus('nobody', 'active'), NoLivingKey)
  assert.deepEqual(await query("SELECT api_keys.*, value FROM api_keys, settings WHERE id = 'key-1'"), before)
})

test('a secret that another key has, even a revoked one, is told apart from a name', async (t) => {
  const { keys } = await openDatabase(t)
  await keys.setStatus('key-1', 'revoked')
  await assert.rejects(keys.create('key-9', keyFields(), markOf('key-1'), NOW), SecretTaken)
  await assert.rejects(keys.rotate('key-2', markOf('key-1')), SecretTaken)
  await assert.rejects(keys.create('key-2', keyFields(), markOf('another'), NOW), {
    name: 'SequelizeUniqueConstraintError',
  })
})

test('by id a key is not mistaken for one that has the id as its name', async (t) => {
  const { keys } = await openDatabase(t)
  await keys.create('key-9', keyFields({ name: 'ADMIN_API_KEY' }), markOf('secret'), NOW)
  assert.equal(await keys.findById('ADMIN_API_KEY'), undefined)
  assert.equal((await keys.findById('key-9'))?.name, 'ADMIN_API_KEY')
})
