import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_USAGE, spendOf } from '../../../proxy/domain/usage.ts'

const usage = { inputTokens: 1, cacheReadTokens: 20, cacheWriteTokens: 300, outputTokens: 4000, reasoningTokens: 3000 }

test('uncached input, cache writes and output count against a window; reasoning is part of output', () => {
  assert.equal(spendOf(usage, false), 4301)
})

test('cache reads count where the operator says so', () => {
  assert.equal(spendOf(usage, true), 4321)
})

test('nothing used is nothing spent', () => {
  assert.equal(spendOf(NO_USAGE, true), 0)
})
