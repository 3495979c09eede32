import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitsOf, upperCost } from '../../../proxy/limit/limits.ts'
import { aKey } from '../../support/a-key.ts'

const estimate = { inputTokens: 25, outputTokens: 10, inputUpper: 100, outputUpper: 50 }

test('a key without limits has none', () => {
  assert.deepEqual(limitsOf(aKey({ tokenLimit: null, rpm: null }), null), [])
})

test('every limit of a key counts, the cheapest to learn of first', () => {
  const key = aKey({ tokenLimit: 1, rpm: 2, budget5h: 3, budgetDay: 4, budgetMonth: 5 })
  assert.deepEqual(limitsOf(key, null), [
    ['requests', 2],
    ['tokens', 1],
    ['usd_5h', 3],
    ['usd_day', 4],
    ['usd_month', 5],
  ])
})

test('a call costs at most what its input costs in the dearest way, and all of its output', () => {
  const price = { input: 3_000_000_000, cacheRead: 300_000_000, cacheWrite: 3_750_000_000, output: 15_000_000_000 }
  assert.equal(upperCost(estimate, price, 'standard'), 100 * 6000 + 50 * 15_000, 'an hour in a cache')
  assert.equal(upperCost(estimate, { ...price, cacheWrite1h: 0 }, 'standard'), 100 * 3750 + 50 * 15_000)
  assert.equal(upperCost(estimate, { ...price, cacheRead: 7_000_000_000 }, 'standard'), 100 * 7000 + 50 * 15_000)
})

test('a call that asks for a dearer tier costs so much more, and one that asks for a cheaper may not get it', () => {
  const price = { input: 1_000_000, cacheRead: 0, cacheWrite: 0, output: 1_000_000 }
  const factors = { standard: 1, priority: 2, ultrafast: 6, flex: 1 } as const
  for (const [tier, factor] of Object.entries(factors)) {
    assert.equal(upperCost(estimate, price, tier as keyof typeof factors), 150 * factor, tier) // safe: its own keys
  }
})

test('a part of a nano-dollar is a whole one', () => {
  assert.equal(upperCost(estimate, { input: 1, cacheRead: 0, cacheWrite: 0, output: 0 }, 'standard'), 1)
})

test('what a call without a price costs is unknown, and what is free is free', () => {
  assert.equal(upperCost(estimate, undefined, 'standard'), undefined)
  assert.equal(upperCost(estimate, { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 }, 'standard'), 0)
})

test('what holds for all keys holds for those that say nothing themselves', () => {
  const requests = (rpm: number | null, defaultRpm: number | null) =>
    limitsOf(aKey({ tokenLimit: null, rpm }), defaultRpm)
  assert.deepEqual(requests(null, 100), [['requests', 100]])
  assert.deepEqual(requests(7, 100), [['requests', 7]])
  assert.deepEqual(requests(7, null), [['requests', 7]])
})
