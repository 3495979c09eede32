import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatUsd, parseUsd } from '../../../proxy/domain/money.ts'
import { rounds } from '../../support/rounds.ts'

const amounts: Readonly<Record<string, number>> = {
  '0': 0,
  '3': 3_000_000_000,
  '03': 3_000_000_000,
  '2.5': 2_500_000_000,
  '0.1': 100_000_000,
  '.3': 300_000_000,
  '0.000000001': 1,
  '9007199.254740991': Number.MAX_SAFE_INTEGER,
}

for (const [text, nanoUsd] of Object.entries(amounts)) {
  test(`${text} USD are ${nanoUsd} nano-USD`, () => assert.equal(parseUsd(text), nanoUsd))
}

test('what is no amount, or finer or larger than what is counted, is not taken for another one', () => {
  for (const text of ['', '.', '1.', '-1', '+1', '1e3', ' 1', '1,5', '$1', '1.0000000001', '9007199.254740992', 'x']) {
    assert.equal(parseUsd(text), undefined, text)
  }
})

test('an amount is shown with two decimals, or as many as it needs', () => {
  assert.deepEqual([0, 2_500_000_000, 3_000_000_000, 1, 123_456_789_000].map(formatUsd), [
    '0.00',
    '2.50',
    '3.00',
    '0.000000001',
    '123.456789',
  ])
})

test('an amount that was shown is read as what it was', () => {
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (nanoUsd) => {
      assert.equal(parseUsd(formatUsd(nanoUsd)), nanoUsd)
    }),
    rounds(1000),
  )
})
