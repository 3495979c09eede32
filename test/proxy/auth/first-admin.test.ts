import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AdminStore, ensureAdmin } from '../../../proxy/auth/first-admin.ts'
import { hashSecret } from '../../../proxy/auth/secret.ts'
import { readRevision } from '../../../proxy/store/revision.ts'
import { aKey } from '../../support/a-key.ts'
import { testEngines } from '../../support/database.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const GIVEN = 'an-admin-key-from-outside'

/** A first start whose key nobody should hear of. */
const first = (id: string) => ({ id, now: NOON, tell: () => assert.fail('a key was told') })

function keysInMemory() {
  const rows = new Map<string, ReturnType<typeof aKey>>()
  const change = (id: string, different: Partial<ReturnType<typeof aKey>>): void => {
    const row = rows.get(id)
    assert.ok(row)
    rows.set(id, { ...row, ...different })
  }
  const store: AdminStore = {
    findById: async (id) => rows.get(id),
    hasAdmin: async () => [...rows.values()].some(({ isAdmin }) => isAdmin),
    create: async (id, fields, { hash, prefix }, now, making) => {
      making?.beforeCommit()
      rows.set(id, aKey({ ...fields, id, hash, prefix, createdAt: now }))
    },
    setStatus: async (id, status) => change(id, { status }),
    rotate: async (id, { hash, prefix }) => change(id, { hash, prefix }),
  }
  return { store, rows }
}

test('the first start makes an admin key and tells it; the second does not', async () => {
  const { store, rows } = keysInMemory()
  const told: string[] = []
  const tell = (key: string): void => {
    assert.equal(rows.size, 0, 'a key that could not be told must not be there')
    told.push(key)
  }
  await ensureAdmin(store, undefined, { id: 'id-1', now: NOON, tell })
  assert.deepEqual(told.map(hashSecret), [rows.get('id-1')?.hash])
  assert.equal(rows.get('id-1')?.isAdmin, true)
  await ensureAdmin(store, undefined, first('id-2'))
  assert.equal(rows.size, 1)
})

test('an admin key from outside is the only one that is made', async () => {
  const { store, rows } = keysInMemory()
  await ensureAdmin(store, GIVEN, first('id-1'))
  assert.deepEqual(
    [...rows.values()].map(({ hash, isAdmin, status }) => [hash, isAdmin, status]),
    [[hashSecret(GIVEN), true, 'active']],
  )
})

test('an admin key from outside that has changed is refused from then on', async () => {
  const { store, rows } = keysInMemory()
  await ensureAdmin(store, GIVEN, first('id-1'))
  await ensureAdmin(store, `${GIVEN}-2`, first('id-2'))
  assert.deepEqual(
    [...rows.values()].map(({ hash }) => hash),
    [hashSecret(`${GIVEN}-2`)],
  )
})

test('an admin key from outside that is no longer given is disabled, and in force again when it is', async () => {
  const { store, rows } = keysInMemory()
  await ensureAdmin(store, GIVEN, first('id-1'))
  await ensureAdmin(store, undefined, first('id-2'))
  assert.deepEqual(
    [...rows.values()].map(({ status }) => status),
    ['disabled'],
  )
  await ensureAdmin(store, undefined, first('id-3'))
  await ensureAdmin(store, GIVEN, first('id-4'))
  assert.deepEqual(
    [...rows.values()].map(({ status }) => status),
    ['active'],
  )
})

testEngines('a start that finds its admin key as it should be changes nothing', async (_t, { keys, database }) => {
  await ensureAdmin(keys, GIVEN, first('id-1'))
  const before = await readRevision(database)
  await ensureAdmin(keys, GIVEN, first('id-2'))
  assert.equal(await readRevision(database), before, 'all replicas would read all their keys anew')
  await ensureAdmin(keys, `${GIVEN}-2`, first('id-3'))
  assert.notEqual(await readRevision(database), before)
})
