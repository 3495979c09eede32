import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { cachePrices, costOf, type Price, priceOf } from '../../../proxy/domain/price.ts'
import { NO_USAGE, type Usage } from '../../../proxy/domain/usage.ts'
import { rounds } from '../../support/rounds.ts'

/** Three USD for a million tokens of input, fifteen for output. */
const SONNET: Price = {
  input: 3_000_000_000,
  cacheRead: 300_000_000,
  cacheWrite: 3_750_000_000,
  output: 15_000_000_000,
}

function priceNumber(input: number): Price {
  return { ...SONNET, input }
}

const prices = new Map([
  ['claude', priceNumber(1)],
  ['claude-sonnet-4', priceNumber(2)],
  ['claude-sonnet-4-5', priceNumber(3)],
  ['gpt', priceNumber(4)],
])

const looked: Readonly<Record<string, number | undefined>> = {
  'claude-sonnet-4': 2,
  'claude-sonnet-4-5': 3,
  'claude-sonnet-4-5-20990929': 3,
  'claude-sonnet-4-20990514': 2,
  'claude-opus': 1,
  claude: 1,
  gpt: 4,
  clau: undefined,
  'my-claude': undefined,
  Claude: undefined,
  '': undefined,
}

for (const [model, input] of Object.entries(looked)) {
  test(`the price of ${JSON.stringify(model)} is ${input === undefined ? 'not known' : `number ${input}`}`, () => {
    for (const known of [prices, new Map([...prices].toReversed())]) assert.equal(priceOf(model, known)?.input, input)
  })
}

test('without prices no model has one', () => assert.equal(priceOf('claude', new Map()), undefined))

test('each kind of token costs its own price, and reasoning is part of output', () => {
  const usage: Usage = {
    inputTokens: 1_000_000,
    cacheReadTokens: 2_000_000,
    cacheWriteTokens: 4_000_000,
    outputTokens: 1_000_000,
    reasoningTokens: 900_000,
  }
  assert.equal(costOf({ metering: 'exact', usage }, SONNET), (3 + 0.6 + 15 + 15) * 1e9)
})

test('what nobody knows the cost of is not free', () => {
  assert.equal(costOf({ metering: 'exact', usage: NO_USAGE }, undefined), null)
  assert.equal(costOf({ metering: 'unmetered', usage: NO_USAGE }, SONNET), null)
  assert.equal(costOf({ metering: 'estimated', usage: NO_USAGE }, SONNET), 0)
})

test('half a nano-USD is rounded up, once and on the sum', () => {
  const costs = { input: 250_000, cacheRead: 250_000, cacheWrite: 0, output: 499_999 }
  const cost = (usage: Partial<Usage>): number | null =>
    costOf({ metering: 'exact', usage: { ...NO_USAGE, ...usage } }, costs)
  assert.equal(cost({ inputTokens: 1 }), 0)
  assert.equal(cost({ inputTokens: 1, cacheReadTokens: 1 }), 1)
  assert.equal(cost({ outputTokens: 1 }), 0)
  assert.equal(cost({ outputTokens: 2 }), 1)
  assert.equal(cost({ inputTokens: 6 }), 2)
})

const amount = fc.oneof(fc.nat(1_000_000), fc.nat(Number.MAX_SAFE_INTEGER))
const price = fc.record({ input: amount, cacheRead: amount, cacheWrite: amount, output: amount })
const usages = fc.record({
  inputTokens: amount,
  cacheReadTokens: amount,
  cacheWriteTokens: amount,
  outputTokens: amount,
  reasoningTokens: amount,
})

test('whatever was used at whatever price, the cost is within half a nano-USD, or as large as a number can be', () => {
  fc.assert(
    fc.property(usages, price, (usage, each) => {
      const cost = costOf({ metering: 'exact', usage }, each)
      assert.ok(cost !== null && Number.isSafeInteger(cost) && cost >= 0)
      const exact =
        BigInt(usage.inputTokens) * BigInt(each.input) +
        BigInt(usage.cacheReadTokens) * BigInt(each.cacheRead) +
        BigInt(usage.cacheWriteTokens) * BigInt(each.cacheWrite) +
        BigInt(usage.outputTokens) * BigInt(each.output)
      const off = BigInt(cost) * 1_000_000n - exact
      const isMost = cost === Number.MAX_SAFE_INTEGER && off < 0n
      assert.ok(isMost || (off > -500_000n && off <= 500_000n), `${cost} for ${exact}`)
    }),
    rounds(2000),
  )
})

test('where nobody says what a cache costs it is a part of the input, and free only with it', () => {
  assert.deepEqual(cachePrices(3_000_000_000), { cacheRead: 300_000_000, cacheWrite: 3_750_000_000 })
  assert.deepEqual(cachePrices(0), { cacheRead: 0, cacheWrite: 0 })
  assert.deepEqual(cachePrices(10 ** 15), { cacheRead: 10 ** 14, cacheWrite: 1.25 * 10 ** 15 })
})
