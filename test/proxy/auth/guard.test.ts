import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGuard } from '../../../proxy/auth/guard.ts'
import { blockLevels } from '../../support/block-levels.ts'

const MINUTE_MS = 60_000
const HERE = '192.0.2.1'
const THERE = '192.0.2.2'

function setUp() {
  let now = 1000
  const begun: unknown[][] = []
  const guard = createGuard({
    levels: () => blockLevels,
    now: () => now,
    onBlock: (...block) => void begun.push(block),
  })
  return {
    guard,
    begun,
    wait: (ms: number) => void (now += ms),
    fail: (times: number, address = HERE) => {
      for (let time = 0; time < times; time++) guard.failed(address)
    },
  }
}

test('a block is of one address, and told once when it begins', () => {
  const { guard, begun, fail, wait } = setUp()
  fail(4)
  assert.equal(guard.blockedForMs(HERE), 0)
  fail(3) // calls that were let in before
  assert.equal(guard.blockedForMs(HERE), MINUTE_MS)
  assert.equal(guard.blockedForMs(THERE), 0)
  assert.deepEqual(begun, [[HERE, 5, MINUTE_MS]])
  wait(MINUTE_MS)
  fail(1)
  assert.deepEqual(begun[1], [HERE, 8, MINUTE_MS])
})

test('who is blocked again and again is blocked for longer', () => {
  const { guard, fail, wait } = setUp()
  const minutes: number[] = []
  for (let failure = 1; failure <= 21; failure++) {
    fail(1)
    minutes.push(guard.blockedForMs(HERE) / MINUTE_MS)
    wait(guard.blockedForMs(HERE))
  }
  assert.deepEqual(minutes, [0, 0, 0, 0, 1, 1, 1, 1, 1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 30, 30])
})

test('whoever walks through addresses makes the guard forget the oldest, and not grow', () => {
  const { guard, fail } = setUp()
  fail(5)
  for (let host = 0; host < 9999; host++) guard.failed(`2001:db8:0:${host.toString(16)}::/64`)
  assert.ok(guard.blockedForMs(HERE) > 0)
  fail(1) // the newest again
  for (let host = 0; host < 9999; host++) guard.failed(`2001:db8:1:${host.toString(16)}::/64`)
  assert.ok(guard.blockedForMs(HERE) > 0)
  guard.failed('2001:db8:2:0::/64')
  assert.equal(guard.blockedForMs(HERE), 0)
  assert.equal(guard.size(), 10_000)
  assert.equal(guard.takeUntold(Infinity).length, 10_000)
})

test('what is to be told is taken once, oldest first, and may be put back', () => {
  const { guard, fail, wait } = setUp()
  fail(3)
  wait(10)
  fail(1, THERE)
  wait(5)
  const taken = guard.takeUntold(1)
  assert.deepEqual(taken, [{ address: HERE, failures: 3, agoMs: 15 }])
  fail(1)
  wait(1)
  guard.putBack(taken)
  assert.deepEqual(guard.takeUntold(10), [
    { address: THERE, failures: 1, agoMs: 6 },
    { address: HERE, failures: 4, agoMs: 1 },
  ])
  assert.deepEqual(guard.takeUntold(10), [])
})

test('a block that others began holds here, by our clock', () => {
  const { guard, begun, wait } = setUp()
  guard.learn([{ address: HERE, failures: 5, failedAgoMs: 500, blockedForMs: 59_500 }], [])
  assert.equal(guard.blockedForMs(HERE), 59_500)
  wait(59_500)
  assert.equal(guard.blockedForMs(HERE), 0)
  assert.deepEqual(begun, [], 'it is told where it begins')
  guard.failed(HERE)
  assert.deepEqual(begun, [[HERE, 6, MINUTE_MS]])
})

test('a block by what all replicas count together is told by who has counted', () => {
  const { guard, begun, fail } = setUp()
  fail(2)
  const told = guard.takeUntold(10)
  fail(1)
  guard.learn([{ address: HERE, failures: 9, failedAgoMs: 0, blockedForMs: MINUTE_MS }], told)
  assert.deepEqual(begun, [[HERE, 10, MINUTE_MS]])
  fail(1)
  assert.equal(guard.blockedForMs(HERE), 5 * MINUTE_MS)
})

test('what others know never shortens a block here', () => {
  const { guard, fail } = setUp()
  fail(20)
  guard.learn([{ address: HERE, failures: 1, failedAgoMs: 0, blockedForMs: -1 }], [])
  assert.equal(guard.blockedForMs(HERE), 30 * MINUTE_MS)
})

test('levels that are changed count from the next failure, and without any nobody is blocked', () => {
  let levels = [...blockLevels]
  const guard = createGuard({ levels: () => levels, now: () => 1000, onBlock: () => undefined })
  for (let failure = 0; failure < 5; failure++) guard.failed(HERE)
  assert.equal(guard.blockedForMs(HERE), MINUTE_MS)
  levels = [{ failures: 2, blockMs: 7 * MINUTE_MS }]
  assert.equal(guard.blockedForMs(HERE), MINUTE_MS)
  guard.failed(HERE)
  assert.equal(guard.blockedForMs(HERE), 7 * MINUTE_MS)
  levels = []
  assert.equal(guard.blockedForMs(HERE), 0)
})
