import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyUsage } from '../../../proxy/domain/key.ts'
import { windowOf } from '../../../proxy/limit/window.ts'

const MINUTE = 60_000
const HOURS_5 = 300 * MINUTE
const NOON = Date.UTC(2030, 0, 1, 12)

function usage(minutes: KeyUsage['minutes']): KeyUsage {
  return { lifetimeTokens: 900, lastUsedAt: NOON - 1, minutes }
}
const minutes = [
  { start: NOON - HOURS_5 - MINUTE, amount: 5000 }, // has left
  { start: NOON - 3 * MINUTE, amount: 100 },
  { start: NOON - MINUTE, amount: 50 },
]

test('a window begins with the oldest minute that counts, and ends when that leaves', () => {
  assert.deepEqual(windowOf(usage(minutes), 1000, NOON), {
    usedTokens: 150,
    startedAt: NOON - 3 * MINUTE,
    endsAt: NOON + HOURS_5 - 2 * MINUTE,
    lifetimeTokens: 900,
    lastUsedAt: NOON - 1,
  })
})

test('a spent window ends when a call fits again', () => {
  assert.equal(windowOf(usage(minutes), 150, NOON).endsAt, NOON + HOURS_5 - 2 * MINUTE)
  assert.equal(windowOf(usage(minutes), 50, NOON).endsAt, NOON + HOURS_5)
})

test('an unused window begins now', () => {
  const { usedTokens, startedAt, endsAt } = windowOf(usage([]), 1000, NOON)
  assert.deepEqual({ usedTokens, startedAt, endsAt }, { usedTokens: 0, startedAt: NOON, endsAt: NOON + HOURS_5 })
})

test('a key without a limit has a window, too, and it is never spent', () => {
  assert.equal(windowOf(usage(minutes), null, NOON).usedTokens, 150)
  assert.equal(windowOf(usage(minutes), null, NOON).endsAt, NOON + HOURS_5 - 2 * MINUTE)
})
