import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRequestCounter } from '../../../proxy/limit/request-counter.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const MINUTE_MS = 60_000

test('a caller has its requests of a minute, which begins with the first of them', () => {
  const counter = createRequestCounter()
  const left = (caller: string, at: number) => counter.count(caller, 2, at).left
  assert.deepEqual(counter.count('one', 2, NOON), { unit: 'requests', limit: 2, left: 1, endsAt: NOON + MINUTE_MS })
  assert.equal(left('one', NOON + 1), 0)
  assert.equal(left('one', NOON + MINUTE_MS - 1), -1)
  assert.equal(left('other', NOON + MINUTE_MS - 1), 1)
  assert.equal(left('one', NOON + MINUTE_MS), 1)
})

test('whoever walks through addresses makes the oldest minute forgotten, and no other', () => {
  const counter = createRequestCounter()
  counter.count('oldest', 10, NOON)
  counter.count('next', 10, NOON)
  for (let host = 0; host < 9999; host++) counter.count(`host ${host}`, 10, NOON)
  assert.equal(counter.count('next', 10, NOON).left, 8)
  assert.equal(counter.count('oldest', 10, NOON).left, 9)
})
