import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  afterFailure,
  blockedForMs,
  type SharedBlock,
  type UntoldFailures,
} from '../../../proxy/domain/address-block.ts'
import { StoreError } from '../../../proxy/domain/store-error.ts'
import { createBlockStore } from '../../../proxy/store/auth-blocks.ts'
import type { Database } from '../../../proxy/store/database.ts'
import { blockLevels } from '../../support/block-levels.ts'
import { openDatabase, testEngines } from '../../support/database.ts'

const HERE = '192.0.2.1'
const THERE = '2001:db8:0:1::/64'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** With the levels that hold where nobody has set others. */
function blocksIn(database: Database) {
  const store = createBlockStore(database)
  return { ...store, exchange: (failures: readonly UntoldFailures[]) => store.exchange(failures, blockLevels) }
}

/** The times of a block are read a moment after they were written. */
function assertBlocked(block: SharedBlock | undefined, address: string, failures: number, minutes: number): void {
  assert.ok(block, address)
  assert.deepEqual([block.address, block.failures], [address, failures])
  const forMs = block.blockedForMs
  assert.ok(forMs <= minutes * MINUTE_MS && forMs > minutes * MINUTE_MS - 30_000, `${forMs} is about ${minutes} min`)
}

testEngines('failures add up, and what they come to is answered', async (_t, { database }) => {
  const blocks = blocksIn(database)
  assert.deepEqual(await blocks.exchange([]), [])
  const [first] = await blocks.exchange([{ address: HERE, failures: 4, agoMs: 0 }])
  assertBlocked(first, HERE, 4, 0)
  const [second] = await blocks.exchange([{ address: HERE, failures: 1, agoMs: 0.25 }])
  assertBlocked(second, HERE, 5, 1)
  const both = await blocks.exchange([{ address: THERE, failures: 21, agoMs: 0 }])
  assert.equal(both.length, 2)
  assertBlocked(
    both.find(({ address }) => address === THERE),
    THERE,
    21,
    30,
  )
})

testEngines(
  'another replica is told of all that are blocked, and of nobody else',
  async (_t, { database, openAgain }) => {
    const other = blocksIn(await openAgain())
    await blocksIn(database).exchange([
      { address: HERE, failures: 10, agoMs: 0 },
      { address: THERE, failures: 4, agoMs: 0 },
      { address: 'over', failures: 5, agoMs: MINUTE_MS },
    ])
    const told = await other.exchange([])
    assert.equal(told.length, 1)
    assertBlocked(told[0], HERE, 10, 5)
    const [mine] = await other.exchange([{ address: THERE, failures: 1, agoMs: 0 }])
    assertBlocked(mine, THERE, 5, 1)
  },
)

testEngines('what the database adds up is what the decision says', async (_t, { database, query }) => {
  const blocks = blocksIn(database)
  let state = undefined
  for (let failure = 1; failure <= 25; failure++) {
    state = afterFailure(state, 0, blockLevels)
    const [told] = await blocks.exchange([{ address: HERE, failures: 1, agoMs: 0 }])
    assertBlocked(told, HERE, state.failures, blockedForMs(state, 0) / MINUTE_MS)
  }
  await query('UPDATE auth_blocks SET failed_at = failed_at - $1, blocked_until = blocked_until - $1', HOUR_MS + 1)
  const [forgiven] = await blocks.exchange([{ address: HERE, failures: 1, agoMs: 0 }])
  assertBlocked(forgiven, HERE, 1, 0)
})

testEngines('failures that are told late block only for what is left', async (_t, { database }) => {
  const blocks = blocksIn(database)
  const [late] = await blocks.exchange([{ address: HERE, failures: 10, agoMs: 4 * MINUTE_MS }])
  assertBlocked(late, HERE, 10, 1)
  const [later] = await blocks.exchange([{ address: HERE, failures: 1, agoMs: 3 * MINUTE_MS }])
  assertBlocked(later, HERE, 11, 2)
})

testEngines('no more than a thousand blocks of others are read, the newest', async (_t, { database }) => {
  const blocks = blocksIn(database)
  const many = Array.from({ length: 1100 }, (_, nth) => ({ address: `host ${nth}`, failures: 20, agoMs: nth * 10 }))
  assert.equal((await blocks.exchange(many)).length, 1100)
  const read = await blocks.exchange([{ address: HERE, failures: 1, agoMs: 0 }])
  assert.equal(read.length, 1001)
  assert.ok(read.some(({ address }) => address === 'host 0') && !read.some(({ address }) => address === 'host 1099'))
  assert.ok(
    read.every(({ failedAgoMs }, at) => failedAgoMs >= (read[at - 1]?.failedAgoMs ?? -HOUR_MS)),
    'newest first',
  )
})

testEngines('what has been forgiven goes, and nothing else', async (_t, { database, query }) => {
  const blocks = blocksIn(database)
  await blocks.exchange([
    { address: HERE, failures: 1, agoMs: HOUR_MS + 1000 },
    { address: THERE, failures: 1, agoMs: HOUR_MS - 60_000 },
  ])
  await blocks.prune()
  assert.deepEqual(await query('SELECT address FROM auth_blocks'), [{ address: THERE }])
})

testEngines('what an address says cannot become SQL', async (_t, { database, query }) => {
  const address = `'); DROP TABLE auth_blocks; --"`
  const [told] = await blocksIn(database).exchange([{ address, failures: 5, agoMs: 0 }])
  assertBlocked(told, address, 5, 1)
  assert.deepEqual(await query('SELECT address FROM auth_blocks'), [{ address }])
})

testEngines('an error of the database is a StoreError', async (_t, { database, query }) => {
  await query('DROP TABLE auth_blocks')
  const blocks = blocksIn(database)
  for (const work of [() => blocks.exchange([]), () => blocks.prune()]) await assert.rejects(work, StoreError)
})

test('replicas that tell of the same addresses at once count each failure once', async (t) => {
  const { database, openAgain, query } = await openDatabase(t, 'postgres')
  const stores = [database, await openAgain(), await openAgain()].map(blocksIn)
  const failures = Array.from({ length: 50 }, (_, nth) => ({ address: `host ${nth}`, failures: 1, agoMs: 0 }))
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      stores.map((store, nth) =>
        store.exchange(nth % 2 === 0 ? failures : failures.toReversed()).then(() => store.prune()),
      ),
    )
  }
  assert.deepEqual(await query('SELECT DISTINCT failures FROM auth_blocks'), [{ failures: 30 }])
})

test('behind a transaction pooler nothing is prepared', async (t) => {
  const { openAgain } = await openDatabase(t, 'postgres')
  const database = await openAgain({ isPooler: true })
  const [told] = await blocksIn(database).exchange([{ address: HERE, failures: 5, agoMs: 0 }])
  assertBlocked(told, HERE, 5, 1)
})

testEngines('failures block by the levels of whoever tells of them', async (_t, { database }) => {
  const store = createBlockStore(database)
  const levels = [
    { failures: 2, blockMs: 3 * MINUTE_MS },
    { failures: 4, blockMs: 24 * HOUR_MS },
  ]
  const told = async (failures: number, by = levels) =>
    (await store.exchange([{ address: HERE, failures, agoMs: 0 }], by))[0]
  assertBlocked(await told(1, []), HERE, 1, 0)
  assertBlocked(await told(1), HERE, 2, 3)
  assertBlocked(await told(1, []), HERE, 3, 3)
  assertBlocked(await told(3), HERE, 6, 24 * 60)
})

testEngines(
  'a block that lasts longer than an hour is not forgiven before its end',
  async (_t, { database, query }) => {
    const store = createBlockStore(database)
    const failures = [{ address: HERE, failures: 1, agoMs: HOUR_MS + 1000 }]
    await store.exchange(failures, [{ failures: 1, blockMs: 2 * HOUR_MS }])
    await store.prune()
    assert.deepEqual(await query('SELECT address FROM auth_blocks'), [{ address: HERE }])
  },
)
