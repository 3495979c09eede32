import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGuard, type Guard } from '../../../proxy/auth/guard.ts'
import { shareBlocks } from '../../../proxy/auth/share-blocks.ts'
import type { BlockStore, SharedBlock, UntoldFailures } from '../../../proxy/domain/address-block.ts'
import { StoreError } from '../../../proxy/domain/store-error.ts'
import { blockLevels } from '../../support/block-levels.ts'

const HERE = '192.0.2.1'

function newGuard(): Guard {
  return createGuard({ levels: () => blockLevels, now: () => 0, onBlock: () => undefined })
}

/** A store that answers what it is given, or throws it, and remembers what it was told. */
function setUp(t: TestContext, guard = newGuard()) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const told: (readonly UntoldFailures[])[] = []
  const errors: unknown[] = []
  let answer: () => Promise<readonly SharedBlock[]> = async () => []
  const store: BlockStore = {
    exchange(failures) {
      told.push(failures)
      return answer()
    },
    prune: () => Promise.resolve(),
  }
  const sharing = shareBlocks(guard, store, (error) => void errors.push(error))
  t.after(() => sharing.stop())
  return { guard, told, errors, sharing, reply: (next: typeof answer) => void (answer = next) }
}

const away = () => Promise.reject(new StoreError('connection', 'away', { operation: 'test' }))

test('failures are told once a second and not one by one', async (t) => {
  const { guard, told } = setUp(t)
  assert.equal(told.length, 1, 'blocks are read at the start')
  await new Promise(setImmediate)
  for (let time = 0; time < 7; time++) guard.failed(HERE)
  t.mock.timers.tick(1000)
  assert.deepEqual(told.slice(1), [[{ address: HERE, failures: 7, agoMs: 0 }]])
})

test('many addresses are told in several batches', async (t) => {
  const { guard, told, sharing } = setUp(t)
  await new Promise(setImmediate)
  for (let host = 0; host < 1500; host++) guard.failed(`host ${host}`)
  for (let time = 0; time < 3; time++) await sharing.exchange()
  assert.deepEqual(
    told.map(({ length }) => length),
    [0, 1000, 500, 0],
  )
})

test('while the store hangs it is not asked again', async (t) => {
  const guard = newGuard()
  const { told, sharing, reply } = setUp(t, guard)
  await new Promise(setImmediate)
  const { promise, resolve } = Promise.withResolvers<readonly SharedBlock[]>()
  reply(() => promise)
  const first = sharing.exchange()
  await sharing.exchange()
  t.mock.timers.tick(5000)
  assert.equal(told.length, 2)
  resolve([{ address: HERE, failures: 5, failedAgoMs: 0, blockedForMs: 1000 }])
  await first
  assert.equal(guard.blockedForMs(HERE), 1000)
})

test('what could not be told is told later, and an outage is not reported again here', async (t) => {
  const { guard, told, errors, sharing, reply } = setUp(t)
  await new Promise(setImmediate)
  reply(away)
  guard.failed(HERE)
  await sharing.exchange()
  guard.failed(HERE)
  reply(async () => [])
  await sharing.exchange()
  await sharing.exchange()
  assert.deepEqual(
    told.slice(1).map((batch) => batch.map(({ failures }) => failures)),
    [[1], [2], []],
  )
  assert.deepEqual(errors, [])
})

test('what is wrong with the store is reported once', async (t) => {
  const { errors, sharing, reply } = setUp(t)
  await new Promise(setImmediate)
  reply(() => Promise.reject(new StoreError('query', 'no such table', { operation: 'test' })))
  for (let time = 0; time < 3; time++) await sharing.exchange()
  assert.equal(errors.length, 1)
  reply(async () => [])
  await sharing.exchange()
  reply(() => Promise.reject(new StoreError('query', 'no such table', { operation: 'test' })))
  await sharing.exchange()
  assert.equal(errors.length, 2)
})

test('nothing is told any more after the end', async (t) => {
  const { told, sharing } = setUp(t)
  sharing.stop()
  t.mock.timers.tick(10_000)
  assert.equal(told.length, 1)
})
