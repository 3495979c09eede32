import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOTHING_LEARNT } from '../../../proxy/limit/estimate.ts'
import { createLearning } from '../../../proxy/limit/learning.ts'

const call = { outputTokens: 1000, spend: 50_000 }

test('what a call teaches counts for its own model', () => {
  const learning = createLearning()
  learning.learn('large', call)
  assert.equal(learning.of('large').peakTokens, 50_000)
  assert.ok(learning.of('large').meanOutputTokens > NOTHING_LEARNT.meanOutputTokens)
  assert.deepEqual(learning.of('small'), NOTHING_LEARNT)
  assert.deepEqual(learning.of(undefined), NOTHING_LEARNT)
})

test('calls without a model teach about one another', () => {
  const learning = createLearning()
  learning.learn(undefined, call)
  assert.equal(learning.of(undefined).peakTokens, 50_000)
})

test('callers who make up models make nothing grow, and what is in use is remembered', () => {
  const learning = createLearning()
  for (let made = 0; made < 1000; made++) {
    learning.learn('in use', call)
    learning.learn(`made up ${made}`, call)
  }
  assert.equal(learning.of('in use').peakTokens, 50_000)
  assert.notDeepEqual(learning.of('made up 999'), NOTHING_LEARNT)
  assert.deepEqual(learning.of('made up 900'), NOTHING_LEARNT)
})
