import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admit, type Decision } from '../../../proxy/limit/admit.ts'

const MINUTE = 60_000
const HOURS_5 = 300 * MINUTE
const NOW = Date.UTC(2030, 0, 1, 12)
const IDLE = { calls: 0, upperTokens: 0 }
const spent = (amount: number) => [{ start: NOW - MINUTE, amount }]

interface Situation {
  readonly spent: number
  readonly inFlight: { readonly calls: number; readonly upperTokens: number }
  /** Of the call that asks. */
  readonly upperTokens: number
  readonly decision: Decision
}

const refuse = (usedTokens: number): Decision => ({ kind: 'refuse', usedTokens, retryAfterMs: HOURS_5 })

/** With a limit of 1000 tokens. */
const situations: Readonly<Record<string, Situation>> = {
  'a call on an unused key': { spent: 0, inFlight: IDLE, upperTokens: 10, decision: { kind: 'admit' } },
  'a call alone, larger than the limit': { spent: 0, inFlight: IDLE, upperTokens: 5000, decision: { kind: 'admit' } },
  'a call alone, larger than what is left': {
    spent: 999,
    inFlight: IDLE,
    upperTokens: 50,
    decision: { kind: 'admit' },
  },
  'a call beside others that all fit': {
    spent: 500,
    inFlight: { calls: 2, upperTokens: 400 },
    upperTokens: 100,
    decision: { kind: 'admit' },
  },
  'a call that beside others would be one token too many': {
    spent: 500,
    inFlight: { calls: 2, upperTokens: 400 },
    upperTokens: 101,
    decision: { kind: 'wait' },
  },
  'a call beside one that may take everything': {
    spent: 0,
    inFlight: { calls: 1, upperTokens: 5000 },
    upperTokens: 1,
    decision: { kind: 'wait' },
  },
  'a call on a limit that is used exactly': { spent: 1000, inFlight: IDLE, upperTokens: 1, decision: refuse(1000) },
  'a call on a limit that is overdrawn': { spent: 1500, inFlight: IDLE, upperTokens: 1, decision: refuse(1500) },
  'a call on a spent limit, with others in flight': {
    spent: 1000,
    inFlight: { calls: 1, upperTokens: 10 },
    upperTokens: 1,
    decision: refuse(1000),
  },
}

for (const [what, { spent: amount, inFlight, upperTokens, decision }] of Object.entries(situations)) {
  test(`${what}: ${decision.kind}`, () => {
    assert.deepEqual(admit(spent(amount), inFlight, upperTokens, 1000, NOW), decision)
  })
}

test('a refused call is told when enough will have left, not when everything will', () => {
  const buckets = [
    { start: NOW - 3 * MINUTE, amount: 100 },
    { start: NOW - 2 * MINUTE, amount: 400 },
    { start: NOW - MINUTE, amount: 700 },
  ]
  assert.deepEqual(admit(buckets, IDLE, 1, 1000, NOW), {
    kind: 'refuse',
    usedTokens: 1200,
    retryAfterMs: HOURS_5 - MINUTE,
  })
})

test('what has left the window is free again', () => {
  const buckets = [{ start: NOW - HOURS_5 - MINUTE, amount: 1000 }]
  assert.deepEqual(admit(buckets, IDLE, 1, 1000, NOW), { kind: 'admit' })
  assert.deepEqual(admit(buckets, IDLE, 1, 1000, NOW - 1), { kind: 'refuse', usedTokens: 1000, retryAfterMs: 1 })
})
