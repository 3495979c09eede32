import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MAX_PRICE_NANO_USD, type ModelPrice } from '../../../proxy/domain/price.ts'
import { priceJson, type PriceJson, priceOfJson } from '../../../proxy/domain/price-json.ts'
import { rounds } from '../../support/rounds.ts'

const SONNET: ModelPrice = {
  input: 3_000_000_000,
  cacheRead: 300_000_000,
  cacheWrite: 3_750_000_000,
  output: 15_000_000_000,
  description: 'for most work',
  isExported: false,
}
const SONNET_JSON: PriceJson = {
  inputPrice: 3,
  outputPrice: 15,
  cacheCreationPrice: 3.75,
  cacheCreation1hPrice: null,
  cacheReadPrice: 0.3,
  description: 'for most work',
  exportToModels: false,
}

test('a price is told in USD for a million tokens, and is read as what it was', () => {
  assert.deepEqual(priceJson(SONNET), SONNET_JSON)
  assert.deepEqual(priceOfJson(SONNET_JSON), { kind: 'price', price: SONNET })
  const { cacheCreation1hPrice } = priceJson({ ...SONNET, cacheWrite1h: 0 })
  assert.equal(cacheCreation1hPrice, 0)
})

test('what is left out or null follows the input, and 0 is free', () => {
  const plain = { input: 2_000_000_000, cacheRead: 200_000_000, cacheWrite: 2_500_000_000, output: 8_000_000_000 }
  const price = { ...plain, description: '', isExported: true }
  const json = { inputPrice: 2, outputPrice: 8 }
  const nothing = { cacheCreationPrice: null, cacheReadPrice: null, cacheCreation1hPrice: null }
  assert.deepEqual(priceOfJson(json), { kind: 'price', price })
  assert.deepEqual(priceOfJson({ ...json, ...nothing }), { kind: 'price', price })
  assert.deepEqual(priceOfJson({ ...json, cacheCreationPrice: 0, cacheReadPrice: 0, cacheCreation1hPrice: 0 }), {
    kind: 'price',
    price: { ...price, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0 },
  })
})

test('each field that is no price is named, and what it held is not', () => {
  for (const wrong of [-1, NaN, Infinity, 1e-10, 0.1 + 0.2, 1_000_000.1, 1e21]) {
    const found = priceOfJson({ inputPrice: wrong, outputPrice: 1, cacheReadPrice: wrong })
    assert.ok(found.kind === 'invalid', String(wrong))
    assert.deepEqual(
      found.details.map(({ field }) => field),
      ['inputPrice', 'cacheReadPrice'],
    )
    for (const { message } of found.details) assert.match(message, /at most nine decimals/)
  }
})

const amount = fc.oneof(fc.nat(1_000_000), fc.nat(MAX_PRICE_NANO_USD))

test('every price that may be set comes back from JSON to the nano-USD', () => {
  const prices = fc.record(
    {
      input: amount,
      cacheRead: amount,
      cacheWrite: amount,
      cacheWrite1h: amount,
      output: amount,
      description: fc.string(),
      isExported: fc.boolean(),
    },
    { requiredKeys: ['input', 'cacheRead', 'cacheWrite', 'output', 'description', 'isExported'] },
  )
  fc.assert(
    fc.property(prices, (price) => {
      const json = JSON.parse(JSON.stringify(priceJson(price))) as PriceJson // safe: what priceJson makes is JSON
      assert.deepEqual(priceOfJson(json), { kind: 'price', price: { ...price } })
    }),
    rounds(1000),
  )
})
