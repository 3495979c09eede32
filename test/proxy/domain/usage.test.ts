import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_USAGE, spendOf, sumOfUsages, type Usage } from '../../../proxy/domain/usage.ts'

const usage: Usage = {
  inputTokens: 1,
  cacheReadTokens: 20,
  cacheWriteTokens: 300,
  outputTokens: 4000,
  reasoningTokens: 3000,
}

test('uncached input, cache writes and output count against a window; reasoning is part of output', () => {
  assert.equal(spendOf(usage, false), 4301)
})

test('cache reads count where the operator says so', () => {
  assert.equal(spendOf(usage, true), 4321)
})

test('nothing used is nothing spent', () => {
  assert.equal(spendOf(NO_USAGE, true), 0)
})

test('what is kept in a cache for an hour is part of what was written, and counts once', () => {
  assert.equal(spendOf({ ...usage, cacheWrite1hTokens: 300 }, false), 4301)
})

test('what several exchanges consumed is the sum of each kind', () => {
  const hour = { ...usage, cacheWrite1hTokens: 100 }
  assert.deepEqual(sumOfUsages([usage, usage, hour, hour]), {
    inputTokens: 4,
    cacheReadTokens: 80,
    cacheWriteTokens: 1200,
    cacheWrite1hTokens: 200,
    outputTokens: 16_000,
    reasoningTokens: 12_000,
  })
  assert.deepEqual(sumOfUsages([usage, NO_USAGE]), usage)
  assert.equal(sumOfUsages([usage]), usage)
  assert.equal(sumOfUsages([]), NO_USAGE)
})
