import assert from 'node:assert/strict'
import { SecretTaken } from '../../../proxy/domain/key-refusal.ts'
import { run, tableOf } from '../../../proxy/store/database.ts'
import { createKeyLookup } from '../../../proxy/store/key-lookup.ts'
import { createKeyStore } from '../../../proxy/store/keys.ts'
import { keyFields, markOf, type TestDatabase, testEngines } from '../../support/database.ts'

const HOUR_MS = 3_600_000
const NOON = Date.UTC(2030, 0, 1, 12)
const [old, next, last] = [markOf('key-1'), markOf('a new secret'), markOf('the last secret')]

/** Which keys these secrets find. */
async function found({ database }: TestDatabase, ...secrets: { readonly hash: string }[]): Promise<unknown[]> {
  const lookup = createKeyLookup(database)
  return Promise.all(secrets.map(async ({ hash }) => (await lookup.findByHash(hash, 0))?.id))
}

testEngines(
  'a key that was rotated with an overlap is found by both secrets, and says until when',
  async (_t, store) => {
    const { keys, database } = store
    await keys.rotate('key-1', next, HOUR_MS, NOON)
    assert.deepEqual(await found(store, old, next), ['key-1', 'key-1'])
    const lookup = createKeyLookup(database)
    for (const { hash } of [old, next]) {
      const key = await lookup.findByHash(hash, 0)
      assert.deepEqual([key?.hash, key?.previousHash, key?.prefix], [next.hash, old.hash, next.prefix])
      assert.deepEqual([key?.previousUntil, key?.updatedAt], [NOON + HOUR_MS, NOON])
    }
    const [key] = await lookup.findByIds(['key-1'])
    assert.deepEqual([key?.hash, key?.previousHash, key?.previousUntil], [next.hash, old.hash, NOON + HOUR_MS])
    assert.equal((await keys.find('key-1'))?.previousUntil, NOON + HOUR_MS)
  },
)

testEngines('of more than two secrets of a key the oldest are forgotten', async (_t, store) => {
  await store.keys.rotate('key-1', next, HOUR_MS, NOON)
  await store.keys.rotate('key-1', last, HOUR_MS, NOON + 1)
  assert.deepEqual(await found(store, old, next, last), [undefined, 'key-1', 'key-1'])
  assert.equal((await store.keys.find('key-1'))?.previousUntil, NOON + 1 + HOUR_MS)
})

for (const [what, secret] of [
  ['another secret', last],
  ['the secret that it has', next],
] as const) {
  testEngines(`a rotation to ${what} without an overlap ends the overlap before it`, async (_t, store) => {
    await store.keys.rotate('key-1', next, HOUR_MS, NOON)
    await store.keys.rotate('key-1', secret)
    assert.deepEqual(await found(store, old, secret), [undefined, 'key-1'])
    assert.equal((await store.keys.find('key-1'))?.previousUntil, null)
  })
}

testEngines('a key that gets the secret that it has needs no overlap with itself', async (_t, { database, keys }) => {
  await keys.rotate('key-1', old, HOUR_MS, NOON)
  const key = await createKeyLookup(database).findByHash(old.hash, 0)
  assert.deepEqual([key?.hash, key?.previousHash, key?.previousUntil], [old.hash, null, null])
})

testEngines('a key can get back the secret that it had', async (_t, store) => {
  await store.keys.rotate('key-1', next, HOUR_MS, NOON)
  await store.keys.rotate('key-1', old, HOUR_MS, NOON)
  assert.deepEqual(await found(store, old, next), ['key-1', 'key-1'])
  assert.equal((await createKeyLookup(store.database).findByHash(next.hash, 0))?.hash, old.hash)
})

testEngines(
  'a secret that another key had before its rotation is taken, even when its time is over',
  async (_t, store) => {
    const { keys } = store
    await keys.rotate('key-1', next, 1, 0)
    for (const taken of [old, next]) {
      await assert.rejects(keys.rotate('key-2', taken, HOUR_MS), SecretTaken)
      await assert.rejects(keys.create('key-9', keyFields(), taken, NOON), SecretTaken)
    }
    assert.deepEqual(await found(store, old, next, markOf('key-2')), ['key-1', 'key-1', 'key-2'])
  },
)

testEngines('of many that give one secret to different keys at once, one does', async (_t, store) => {
  const others = await Promise.all([store.openAgain(), store.openAgain(), store.openAgain()])
  const [one, two, three] = others.map((database) => createKeyStore(database))
  assert.ok(one && two && three)
  const outcomes = await Promise.allSettled([
    one.rotate('key-1', next, HOUR_MS),
    two.rotate('key-2', next),
    // By whoever is first it is the present one, or the one before.
    one.rotate('key-3', next, HOUR_MS).then(() => one.rotate('key-3', last, HOUR_MS)),
    three.create('key-9', keyFields(), next, NOON),
    three.create('key-10', keyFields({ name: 'bob' }), next, NOON),
  ])
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.ok(outcomes.every((outcome) => outcome.status === 'fulfilled' || outcome.reason instanceof SecretTaken))
  const owners = await store.query('SELECT id FROM api_keys WHERE hash = $1 OR previous_hash = $1', next.hash)
  assert.equal(owners.length, 1)
})

testEngines('where an earlier program gave a secret away twice, it is the key of who has it now', async (_t, store) => {
  const { database, keys } = store
  await keys.rotate('key-1', next, HOUR_MS, NOON)
  await run(database, `UPDATE ${tableOf(database, 'api_keys')} SET hash = $1 WHERE id = 'key-3'`, [old.hash])
  for (const touched of ['key-3', 'key-1', 'key-3']) {
    await keys.update(touched, { rpm: 5 }) // whichever row the engine comes to first
    assert.deepEqual(await found(store, old, next), ['key-3', 'key-1'])
  }
})
