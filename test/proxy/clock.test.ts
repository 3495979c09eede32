import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClock } from '../../proxy/clock.ts'

const HOUR = 3_600_000

test('before the store has said its time, it is this machine’s', () => {
  const before = Date.now()
  const now = createClock().now()
  assert.ok(now >= before && now <= Date.now())
})

for (const [what, skew] of [
  ['ahead', HOUR],
  ['behind', -HOUR],
] as const) {
  test(`the store’s time counts, though this machine is an hour ${what}`, (t) => {
    const storeNow = Date.now() - skew
    const clock = createClock()
    const [before, after] = [performance.now(), (clock.correct(storeNow, 0), performance.now())]
    const now = clock.now()
    assert.ok(now >= storeNow - 1 && now <= storeNow + (performance.now() - before) + 1)
    // A step of this machine's wall clock is none of the store's.
    t.mock.method(Date, 'now', () => 0)
    assert.ok(clock.now() >= now && after >= before)
  })
}

test('the store is taken to have read its clock in the middle of the question', () => {
  const clock = createClock()
  clock.correct(1_000_000, 400)
  assert.ok(clock.now() >= 1_000_199 && clock.now() < 1_001_000)
})

test('what the store said last counts', () => {
  const clock = createClock()
  clock.correct(9_000_000, 0)
  clock.correct(1_000_000, 0)
  assert.ok(clock.now() < 2_000_000)
})
