import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalPot } from '../../../proxy/limit/local-pot.ts'
import type { Verdict } from '../../../proxy/limit/pot.ts'
import type { Bucket } from '../../../proxy/limit/rolling-window.ts'
import { REQUEST_WINDOW, TOKEN_WINDOW } from '../../../proxy/limit/spans.ts'

const MINUTE = 60_000
const HOURS_5 = 300 * MINUTE
const NOW = Date.UTC(2030, 0, 1, 12)
const IDLE: readonly number[] = []

/** What a limit of 1000 tokens says to a call, beside others that may use so much each. */
function verdict(buckets: readonly Bucket[], inFlight: readonly number[], upper: number, now: number): Verdict {
  const pot = createLocalPot({ span: () => TOKEN_WINDOW, limit: () => 1000, buckets, countsAtOnce: false })
  for (const other of inFlight) pot.reserve(other, now)
  return pot.verdict(upper, now)
}

const spent = (amount: number) => [{ start: NOW - MINUTE, amount }]

interface Situation {
  readonly spent: number
  /** What each may use at most. */
  readonly inFlight: readonly number[]
  /** Of the call that asks. */
  readonly upperTokens: number
  readonly decision: Verdict
}

const refuse = (used: number): Verdict => ({ kind: 'refuse', used, endsAt: NOW + HOURS_5 })

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
    inFlight: [150, 250],
    upperTokens: 100,
    decision: { kind: 'admit' },
  },
  'a call that beside others would be one token too many': {
    spent: 500,
    inFlight: [150, 250],
    upperTokens: 101,
    decision: { kind: 'wait' },
  },
  'a call beside one that may take everything': {
    spent: 0,
    inFlight: [5000],
    upperTokens: 1,
    decision: { kind: 'wait' },
  },
  'a call on a limit that is used exactly': { spent: 1000, inFlight: IDLE, upperTokens: 1, decision: refuse(1000) },
  'a call on a limit that is overdrawn': { spent: 1500, inFlight: IDLE, upperTokens: 1, decision: refuse(1500) },
  'a call on a spent limit, with others in flight': {
    spent: 1000,
    inFlight: [10],
    upperTokens: 1,
    decision: refuse(1000),
  },
}

for (const [what, { spent: amount, inFlight, upperTokens, decision }] of Object.entries(situations)) {
  test(`${what}: ${decision.kind}`, () => {
    assert.deepEqual(verdict(spent(amount), inFlight, upperTokens, NOW), decision)
  })
}

test('a refused call is told when enough will have left, not when everything will', () => {
  const buckets = [
    { start: NOW - 3 * MINUTE, amount: 100 },
    { start: NOW - 2 * MINUTE, amount: 400 },
    { start: NOW - MINUTE, amount: 700 },
  ]
  assert.deepEqual(verdict(buckets, IDLE, 1, NOW), {
    kind: 'refuse',
    used: 1200,
    endsAt: NOW + HOURS_5 - MINUTE,
  })
})

test('what has left the window is free again', () => {
  const buckets = [{ start: NOW - HOURS_5 - MINUTE, amount: 1000 }]
  assert.deepEqual(verdict(buckets, IDLE, 1, NOW), { kind: 'admit' })
  assert.deepEqual(verdict(buckets, IDLE, 1, NOW - 1), { kind: 'refuse', used: 1000, endsAt: NOW })
})

test('requests count when they are let in, and those that did not happen never did', () => {
  const pot = createLocalPot({ span: () => REQUEST_WINDOW, limit: () => 2, buckets: [], countsAtOnce: true })
  pot.reserve(1, NOW)
  pot.reserve(1, NOW + 500)
  assert.deepEqual(pot.verdict(1, NOW + 600), { kind: 'refuse', used: 2, endsAt: NOW + 61_000 })
  pot.settle(1, 1, NOW, NOW + 700)
  assert.equal(pot.verdict(1, NOW + 800).kind, 'refuse')
  pot.release(1, NOW + 500, NOW + 900)
  assert.deepEqual(pot.verdict(1, NOW + 900), { kind: 'admit' })
  assert.deepEqual(pot.buckets(), [{ start: NOW, amount: 1 }])
})

test('a budget of the calendar is free again with the next day', () => {
  const midnight = Date.UTC(2030, 0, 2)
  const span = { bucketMs: 60 * MINUTE, lengthMs: 24 * 60 * MINUTE, period: 'day' as const }
  const pot = createLocalPot({
    span: () => span,
    limit: () => 100,
    buckets: [{ start: NOW, amount: 100 }],
    countsAtOnce: false,
  })
  assert.deepEqual(pot.verdict(1, NOW + 1), { kind: 'refuse', used: 100, endsAt: midnight })
  assert.equal(pot.verdict(1, midnight - 1).kind, 'refuse')
  assert.deepEqual(pot.verdict(1, midnight), { kind: 'admit' })
})

test('a limit that is changed counts for the next call, and what turns up of others for the one after', () => {
  let limit = 100
  const pot = createLocalPot({
    span: () => TOKEN_WINDOW,
    limit: () => limit,
    buckets: [{ start: NOW, amount: 100 }],
    countsAtOnce: false,
  })
  assert.equal(pot.verdict(1, NOW).kind, 'refuse')
  limit = 300
  assert.equal(pot.verdict(1, NOW).kind, 'admit')
  assert.equal(pot.left(NOW), 200)
  pot.add(NOW - MINUTE, 200, NOW)
  assert.equal(pot.verdict(1, NOW).kind, 'refuse')
})
