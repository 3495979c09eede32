import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatUsd } from '../../../proxy/domain/money.ts'
import { createPriceLookup } from '../../../proxy/domain/price-lookup.ts'
import { hourPrice } from '../../../proxy/domain/price.ts'
import { defaultPrices, DEFAULT_PRICES_VERSION } from '../../../proxy/store/default-prices.ts'

test('every default price is one: output costs no less than input, and reading from a cache no more', () => {
  assert.ok(defaultPrices.size > 50)
  for (const [model, price] of defaultPrices) {
    const { input, output, cacheRead, cacheWrite } = price
    assert.ok(model.startsWith('text-embedding') || output >= input, model)
    assert.ok(cacheRead <= input && input <= cacheWrite && cacheWrite <= hourPrice(price), model)
    assert.ok(input > 0 || model.includes('flash'), `${model} is free`)
  }
})

const looked: Readonly<Record<string, string | undefined>> = {
  'claude-opus-4-5-20251101': '5.00',
  'claude-opus-4-1-20250805': '15.00',
  'claude-sonnet-4-5-20250929': '3.00',
  'claude-haiku-4-5-20251001': '1.00',
  'claude-fable-5-2': '8.00',
  'gpt-5-2025-08-07': '1.25',
  'gpt-5.4-mini-2026-03-17': '0.75',
  'gpt-4o-2024-05-13': undefined,
  'gpt-4o-audio-preview': undefined,
  'gpt-5': undefined,
  'gpt-5.6-sol': undefined,
  'claude-haiku-5-5': undefined,
  'glm-4.7-flash': '0.00',
}

for (const [model, usd] of Object.entries(looked)) {
  test(`${model} ${usd === undefined ? 'has no default price' : `has ${usd} USD for its input`}`, () => {
    const price = createPriceLookup(defaultPrices)(model)
    assert.equal(price && formatUsd(price.input), usd)
  })
}

test('the default prices are documented, with their date', () => {
  const text = readFileSync(new URL('../../../docs/prices.md', import.meta.url), 'utf8')
  assert.ok(text.includes(DEFAULT_PRICES_VERSION))
  const rows = [...text.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)]
  const documented = rows.map(([, model = '', cells = '']) => [model, cells.split('|').map((cell) => cell.trim())])
  const expected = [...defaultPrices].map(([model, price]) => {
    const { input, output, cacheRead, cacheWrite, cacheWrite1h } = price
    const hour = cacheWrite1h === undefined ? '' : formatUsd(cacheWrite1h)
    return [model, [...[input, output, cacheRead, cacheWrite].map(formatUsd), hour]]
  })
  assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(expected))
})
