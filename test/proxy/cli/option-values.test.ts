import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  budget,
  freeText,
  instant,
  names,
  nonEmpty,
  overlap,
  positive,
  unless,
  usd,
} from '../../../proxy/cli/option-values.ts'

const NOON = Date.UTC(2030, 0, 1, 12)

const moments: Readonly<Record<string, number>> = {
  '30m': NOON + 30 * 60_000,
  '12h': NOON + 12 * 3_600_000,
  '30d': NOON + 30 * 86_400_000,
  '4w': NOON + 28 * 86_400_000,
  '2030-06-01': Date.UTC(2030, 5, 1),
  '2032-02-29': Date.UTC(2032, 1, 29),
  '2030-06-01T10:30Z': Date.UTC(2030, 5, 1, 10, 30),
  '2030-06-01T10:30:15.250+02:00': Date.UTC(2030, 5, 1, 8, 30, 15, 250),
  '2030-06-01T10:30:15': new Date(2030, 5, 1, 10, 30, 15).getTime(), // where the command runs
  '2030-01-01T12:00:00.001Z': NOON + 1,
}

for (const [value, at] of Object.entries(moments)) {
  test(`a key can expire at ${value}`, (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOON })
    assert.equal(instant(value), at)
  })
}

const noMoments: Readonly<Record<string, RegExp>> = {
  '': /ISO 8601/,
  '45': /ISO 8601/, // Date.parse takes it for 2045
  '30 d': /ISO 8601/,
  '30D': /ISO 8601/,
  '-30d': /ISO 8601/,
  '1.5h': /ISO 8601/,
  '1y': /ISO 8601/,
  never: /ISO 8601/,
  'in 2040': /ISO 8601/,
  '2040': /ISO 8601/,
  '01/06/2040': /ISO 8601/,
  'June 1, 2040': /ISO 8601/,
  '2040-02-30': /ISO 8601/,
  '2031-02-29': /ISO 8601/,
  '2040-13-01': /ISO 8601/,
  '2040-06-01T25:00Z': /ISO 8601/,
  '2040-06-01 10:30': /ISO 8601/,
  '14500000w': /ISO 8601/, // past the last moment that a date can tell
  '99999999999999999999d': /ISO 8601/,
  '0d': /in the past/,
  '2029-12-31': /in the past/,
  '2030-01-01T12:00:00Z': /in the past/,
}

for (const [value, sentence] of Object.entries(noMoments)) {
  test(`a key cannot expire at ${JSON.stringify(value)}`, (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOON })
    assert.throws(() => instant(value), sentence)
  })
}

test('a count is a whole number of at least 1', () => {
  assert.equal(positive('1'), 1)
  assert.equal(positive('100000'), 100_000)
  for (const value of ['', '0', '-1', '1.5', 'x', 'Infinity', '9007199254740993', '5 0']) {
    assert.throws(() => positive(value), /whole number/, value)
  }
})

test('a name is what a person can read on one line', () => {
  assert.equal(nonEmpty('  Zoë & Co. '), 'Zoë & Co.')
  assert.equal(nonEmpty('x'.repeat(255)).length, 255)
  for (const value of ['', '  ', 'a\nb', 'a\u0000', '\u001b[31m', 'x'.repeat(256)]) {
    assert.throws(() => nonEmpty(value), /printable/, JSON.stringify(value))
  }
})

test('a text for people may be empty, and fits on one line', () => {
  assert.deepEqual([freeText(''), freeText(' of "Ü" ')], ['', 'of "Ü"'])
  assert.equal(freeText('x'.repeat(1000)).length, 1000)
  for (const value of ['a\nb', '\u001b[31m', 'x'.repeat(1001)]) assert.throws(() => freeText(value), /printable/)
})

test('names are gathered one by one', () => {
  assert.deepEqual(names('b', names(' a ')), ['a', 'b'])
  assert.throws(() => names(' ', ['a']), /printable/)
})

test('an overlap lasts at most thirty days', () => {
  assert.deepEqual(
    ['0', '0h', '30m', '24h', '30d', '4w'].map(overlap),
    [0, 0, 1_800_000, 86_400_000, 2_592_000_000, 2_419_200_000],
  )
  for (const value of ['', '1', '-1h', '1.5h', '721h', '31d', '5w', '2030-01-01', '99999999999999999999d']) {
    assert.throws(() => overlap(value), /at most 30 days/, value)
  }
})

test('a budget is an amount that something can be had for', () => {
  assert.deepEqual(['2.50', '0.000000001', '9007199'].map(budget), [2_500_000_000, 1, 9_007_199_000_000_000])
  for (const value of ['', '0', '0.00', '-1', '1e3', '2,50', '$2', 'none', '0.0000000001', '9007200']) {
    assert.throws(() => budget(value), /Give USD such as 2\.50/, value)
  }
})

test('a price may be nothing, which is free, and at most a million', () => {
  assert.deepEqual(['0', '0.3', '1000000'].map(usd), [0, 300_000_000, 10 ** 15])
  for (const value of ['', '-1', 'free', '1000000.000000001', '0.0000000001']) {
    assert.throws(() => usd(value), /Give USD such as 0\.30/, value)
  }
})

test('a word that stands for no limit is not a value, and any other is', () => {
  const limit = unless('none', positive)
  assert.deepEqual([limit('none'), limit('5')], [{ value: null }, { value: 5 }])
  for (const value of ['None', '', '0']) assert.throws(() => limit(value), /whole number/, value)
})
