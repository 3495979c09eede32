import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PriceMultipliers } from '../../../proxy/domain/channel.ts'
import { multipliersFor, UNMULTIPLIED } from '../../../proxy/domain/price-multipliers.ts'

function all(factor: number): PriceMultipliers {
  return { input: factor, output: factor, cacheWrite: factor, cacheRead: factor }
}

const channel = { claude: all(2), 'claude-opus': all(3), 'claude-opus-5': all(5), _default: all(7) }

const looked: Readonly<Record<string, number>> = {
  'claude-opus-5': 35,
  'claude-opus-5-5': 35,
  'claude-opus-4': 21,
  'claude-sonnet': 14,
  Claude: 7,
  'my-claude': 7,
  _default: 7,
  toString: 7,
}

for (const [model, factor] of Object.entries(looked)) {
  test(`${model} costs ${factor} times the list: by the longest name that it begins with, times the default`, () => {
    for (const entries of [Object.entries(channel), Object.entries(channel).toReversed()]) {
      assert.deepEqual(multipliersFor(model, Object.fromEntries(entries)), all(factor))
    }
  })
}

test('a channel that says nothing of a model leaves its price', () => {
  assert.deepEqual(multipliersFor('claude', {}), UNMULTIPLIED)
  assert.deepEqual(multipliersFor('claude', { gpt: all(2) }), UNMULTIPLIED)
  assert.deepEqual(multipliersFor('__proto__', { gpt: all(2) }), UNMULTIPLIED)
})

test('0 is a multiplier that nobody has filled in', () => {
  const own = { input: 0, output: 2, cacheWrite: 0, cacheRead: 0.5 }
  const general = { input: 3, output: 0, cacheWrite: 0, cacheRead: 0.5 }
  const expected = { input: 3, output: 2, cacheWrite: 1, cacheRead: 0.25 }
  assert.deepEqual(multipliersFor('gpt', { gpt: own, _default: general }), expected)
})
