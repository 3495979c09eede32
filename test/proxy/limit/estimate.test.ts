import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { estimateOf, learn, NOTHING_LEARNT } from '../../../proxy/limit/estimate.ts'
import { rounds } from '../../support/rounds.ts'

test('a call is expected to have a token for four bytes and as much output as the recent ones', () => {
  assert.deepEqual(estimateOf(1001, undefined, { meanOutputTokens: 99.2, peakTokens: 500 }), {
    inputTokens: 251,
    outputTokens: 100,
    inputUpper: 1001,
    outputUpper: 1000,
  })
})

test('max_tokens bounds what a call is expected to use and what it may use at most', () => {
  assert.deepEqual(estimateOf(400, 50, { meanOutputTokens: 300, peakTokens: 500 }), {
    inputTokens: 100,
    outputTokens: 50,
    inputUpper: 400,
    outputUpper: 50,
  })
  assert.deepEqual(estimateOf(400, 5000, { meanOutputTokens: 300, peakTokens: 500 }), {
    inputTokens: 100,
    outputTokens: 300,
    inputUpper: 400,
    outputUpper: 5000,
  })
})

test('before the first call an answer is taken to be ordinary', () => {
  assert.deepEqual(estimateOf(0, undefined, NOTHING_LEARNT), {
    inputTokens: 0,
    outputTokens: 256,
    inputUpper: 0,
    outputUpper: 32_768,
  })
})

test('a long answer raises the bound at once and is forgotten slowly', () => {
  const after = learn(NOTHING_LEARNT, { outputTokens: 10_000, spend: 50_000 })
  assert.equal(after.peakTokens, 50_000)
  assert.equal(learn(after, { outputTokens: 10, spend: 20 }).peakTokens, 49_500)
})

test('the expectation approaches what the calls really use', () => {
  let learnt = NOTHING_LEARNT
  for (let call = 0; call < 300; call++) learnt = learn(learnt, { outputTokens: 1000, spend: 2000 })
  assert.equal(Math.round(learnt.meanOutputTokens), 1000)
  assert.equal(learnt.peakTokens, 2000)
})

test('what is expected of a call is never more than what it may use at most', () => {
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
      fc.array(fc.nat(100_000)),
      (bytes, maxTokens, outputs) => {
        const estimate = estimateOf(
          bytes,
          maxTokens,
          outputs.reduce(
            (learnt, outputTokens) => learn(learnt, { outputTokens, spend: outputTokens }),
            NOTHING_LEARNT,
          ),
        )
        assert.ok(estimate.inputTokens <= estimate.inputUpper && estimate.outputTokens <= estimate.outputUpper)
      },
    ),
    rounds(),
  )
})
