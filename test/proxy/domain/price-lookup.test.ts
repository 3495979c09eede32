import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPriceLookup } from '../../../proxy/domain/price-lookup.ts'
import type { ModelPrice } from '../../../proxy/domain/price.ts'

function priceNumber(input: number): ModelPrice {
  return { input, cacheRead: 0, cacheWrite: 0, output: 0, description: '', isExported: true }
}

const LONG = 'x'.repeat(255)
const prices = new Map([
  ['claude', priceNumber(1)],
  ['claude-sonnet-4', priceNumber(2)],
  ['claude-sonnet-4-5', priceNumber(3)],
  ['gpt', priceNumber(4)],
  [LONG, priceNumber(5)],
])

const looked: Readonly<Record<string, number | undefined>> = {
  'claude-sonnet-4': 2,
  'claude-sonnet-4-5': 3,
  'claude-sonnet-4-5-20990929': 3,
  'claude-sonnet-4-20990514': 2,
  'claude-sonnet-45': 2,
  'claude-opus': 1,
  claude: 1,
  gpt: 4,
  clau: undefined,
  'my-claude': undefined,
  Claude: undefined,
  '': undefined,
  [LONG]: 5,
  [`${LONG}y`]: 5,
  ['y'.repeat(100_000)]: undefined,
}

for (const [model, input] of Object.entries(looked)) {
  const what = input === undefined ? 'not known' : `number ${input}`
  test(`the price of ${JSON.stringify(model.slice(0, 30))} of ${model.length} characters is ${what}, however often it is asked for`, () => {
    for (const known of [prices, new Map([...prices].toReversed())]) {
      const priceOf = createPriceLookup(known)
      assert.deepEqual([priceOf(model)?.input, priceOf(model)?.input], [input, input])
    }
  })
}

test('without prices no model has one', () => assert.equal(createPriceLookup(new Map())('claude'), undefined))

test('the names that were asked for last are found without looking through the prices, and no others are kept', () => {
  let searches = 0
  class Watched extends Map<string, ModelPrice> {
    override keys(): MapIterator<string> {
      searches += 1
      return super.keys()
    }
  }
  const priceOf = createPriceLookup(new Watched(prices))
  const ask = (model: string): number => {
    const before = searches
    priceOf(model)
    return searches - before
  }
  assert.deepEqual([ask('gpt-1'), ask('gpt-1'), ask('none'), ask('none')], [1, 0, 1, 0])
  const long = `${LONG}y`
  assert.deepEqual([ask(long), ask(long)], [1, 1], 'who sends long names is not remembered')
  for (let number = 2; number <= 1000; number++) ask(`gpt-${number}`)
  assert.deepEqual([ask('gpt-999'), ask('gpt-1')], [0, 1], 'a thousand are kept, and the first was not one of them')
})
