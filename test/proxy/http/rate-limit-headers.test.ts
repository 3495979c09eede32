import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyUnit } from '../../../proxy/domain/lease.ts'
import { rateLimitHeaderNames, rateLimitHeaders } from '../../../proxy/http/rate-limit-headers.ts'

const NOW = Date.UTC(2030, 0, 1, 12, 0, 0)
const SECONDS = 1000
const MINUTES = 60 * SECONDS
const HOURS = 60 * MINUTES

const standing = (unit: KeyUnit, different: { left?: number; endsAt?: number } = {}) => ({
  unit,
  limit: 100,
  left: 40,
  endsAt: NOW + 90 * SECONDS,
  ...different,
})

const requests = {
  'x-ratelimit-limit': '100',
  'x-ratelimit-remaining': '40',
  'x-ratelimit-reset': String(NOW / 1000 + 90),
}
const tokens = {
  'x-ratelimit-limit-tokens': '100',
  'x-ratelimit-remaining-tokens': '40',
  'x-ratelimit-reset-tokens': '1m30s',
  'anthropic-ratelimit-tokens-limit': '100',
  'anthropic-ratelimit-tokens-remaining': '40',
  'anthropic-ratelimit-tokens-reset': '2030-01-01T12:01:30Z',
}

test('an answer tells of the limits that its key has, and of no others', () => {
  const table: readonly (readonly [readonly KeyUnit[], object])[] = [
    [[], {}],
    [['requests'], requests],
    [['tokens'], tokens],
    [['requests', 'tokens'], { ...requests, ...tokens }],
    [['usd_5h', 'usd_day', 'usd_month'], {}],
    [['requests', 'usd_day'], requests],
  ]
  for (const [units, expected] of table) {
    const headers = rateLimitHeaders(
      units.map((unit) => standing(unit)),
      NOW,
    )
    assert.deepEqual(headers, expected, units.join())
  }
})

test('the names are those of all headers', () => {
  assert.deepEqual(rateLimitHeaderNames.toSorted(), Object.keys({ ...requests, ...tokens }).toSorted())
})

test('what is left is a whole number, rounded down, and never negative', () => {
  const table: readonly (readonly [left: number, told: string])[] = [
    [40, '40'],
    [39.99, '39'],
    [0.5, '0'],
    [0, '0'],
    [-0, '0'],
    [-0.5, '0'],
    [-7, '0'],
    [2 ** 53 - 1, '9007199254740991'],
  ]
  for (const [left, told] of table) {
    const headers = rateLimitHeaders([standing('requests', { left }), standing('tokens', { left })], NOW)
    assert.equal(headers['x-ratelimit-remaining'], told)
    assert.equal(headers['x-ratelimit-remaining-tokens'], told)
    assert.equal(headers['anthropic-ratelimit-tokens-remaining'], told)
  }
})

test("the reset of tokens is a duration in OpenAI's form", () => {
  const table: readonly (readonly [ms: number, told: string])[] = [
    [-5, '0s'],
    [0, '0s'],
    [0.2, '1ms'],
    [1, '1ms'],
    [20, '20ms'],
    [999, '999ms'],
    [999.5, '1s'],
    [1 * SECONDS, '1s'],
    [1500, '1.5s'],
    [7660, '7.66s'],
    [59_999, '59.999s'],
    [1 * MINUTES, '1m0s'],
    [6 * MINUTES, '6m0s'],
    [6 * MINUTES + 20, '6m0.02s'],
    [72_172, '1m12.172s'],
    [1 * HOURS - 1, '59m59.999s'],
    [1 * HOURS, '1h0m0s'],
    [5 * HOURS + 1 * MINUTES, '5h1m0s'],
    [25 * HOURS, '25h0m0s'],
  ]
  for (const [ms, told] of table) {
    const headers = rateLimitHeaders([standing('tokens', { endsAt: NOW + ms })], NOW)
    assert.equal(headers['x-ratelimit-reset-tokens'], told, `${ms} ms`)
  }
})

test('a moment is told in whole seconds that are not too early, and is not in the past', () => {
  const table: readonly (readonly [ms: number, seconds: number, instant: string])[] = [
    [-10 * SECONDS, 0, '2030-01-01T12:00:00Z'],
    [0, 0, '2030-01-01T12:00:00Z'],
    [1, 1, '2030-01-01T12:00:01Z'],
    [999.9, 1, '2030-01-01T12:00:01Z'],
    [1000, 1, '2030-01-01T12:00:01Z'],
    [1001, 2, '2030-01-01T12:00:02Z'],
    [12 * HOURS, 43_200, '2030-01-02T00:00:00Z'],
  ]
  for (const [ms, seconds, instant] of table) {
    const endsAt = NOW + ms
    const headers = rateLimitHeaders([standing('requests', { endsAt }), standing('tokens', { endsAt })], NOW)
    assert.equal(headers['x-ratelimit-reset'], String(NOW / 1000 + seconds), `${ms} ms`)
    assert.equal(headers['anthropic-ratelimit-tokens-reset'], instant, `${ms} ms`)
  }
})
