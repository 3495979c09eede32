import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  type Bucket,
  bucketStart,
  countedAmount,
  leavesAt,
  msUntilBelow,
  oldestCounted,
  withSpend,
} from '../../../proxy/limit/rolling-window.ts'
import type { Span } from '../../../proxy/domain/lease.ts'
import { REQUEST_WINDOW, TOKEN_WINDOW } from '../../../proxy/limit/spans.ts'
import { rounds } from '../../support/rounds.ts'

const MINUTE = 60_000
const HOURS_5 = 5 * 60 * MINUTE
const NOON = Date.UTC(2030, 0, 1, 12)

interface Spend {
  readonly at: number
  readonly amount: number
}

/** Gaps as they matter: within a minute, whole minutes, and around the length of the window. */
const gapMs = fc.oneof(
  fc.integer({ min: 0, max: 90_000 }),
  fc.integer({ min: 0, max: 120 }).map((minutes) => minutes * MINUTE),
  fc.integer({ min: HOURS_5 - 2, max: HOURS_5 + MINUTE + 2 }),
  fc.integer({ min: 0, max: HOURS_5 }),
)
/** Few and equal ones too: they meet a limit exactly. */
const amount = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.constantFrom(0, 1, 100))
const spends = fc
  .array(fc.record({ gapMs, amount }), { minLength: 1, maxLength: 40 })
  .map((steps): readonly Spend[] => {
    let at = NOON
    return steps.map((step) => ({ at: (at += step.gapMs), amount: step.amount }))
  })

function bucketsOf(all: readonly Spend[], span: Span = TOKEN_WINDOW): readonly Bucket[] {
  return all.reduce<readonly Bucket[]>((buckets, { at, amount: spent }) => withSpend(buckets, span, at, spent, at), [])
}

function isSorted(buckets: readonly Bucket[]): boolean {
  return buckets.every(({ start }, index) => index === 0 || (buckets[index - 1]?.start ?? 0) < start)
}

const moments: Readonly<Record<string, readonly [spentAt: number, askedAt: number, counted: number]>> = {
  'in the same millisecond': [NOON, NOON, 100],
  'after 5 h less a millisecond': [NOON, NOON + HOURS_5 - 1, 100],
  'after exactly 5 h, spent at the start of its minute': [NOON, NOON + HOURS_5, 100],
  'a millisecond before its minute has left': [NOON, NOON + HOURS_5 + MINUTE - 1, 100],
  'when its minute has left': [NOON, NOON + HOURS_5 + MINUTE, 0],
  'after exactly 5 h, spent in the last millisecond of its minute': [
    NOON + MINUTE - 1,
    NOON + MINUTE - 1 + HOURS_5,
    100,
  ],
  'after 5 h and a millisecond, spent in the last one of its minute': [NOON + MINUTE - 1, NOON + MINUTE + HOURS_5, 0],
}

for (const [when, [spentAt, askedAt, counted]] of Object.entries(moments)) {
  test(`of 100 tokens ${counted} count ${when}`, () => {
    assert.equal(countedAmount(bucketsOf([{ at: spentAt, amount: 100 }]), TOKEN_WINDOW, askedAt), counted)
  })
}

test('a spend counts for at least 5 h and at most 5 h 1 min', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 * MINUTE }), (offset) => {
      const at = NOON + offset
      const buckets = bucketsOf([{ at, amount: 7 }])
      assert.equal(countedAmount(buckets, TOKEN_WINDOW, at + HOURS_5), 7)
      assert.equal(countedAmount(buckets, TOKEN_WINDOW, at + HOURS_5 + MINUTE), 0)
    }),
    rounds(),
  )
})

test('a request counts against the rate for at least 60 s and at most 61 s', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), (offset) => {
      const at = NOON + offset
      const buckets = bucketsOf([{ at, amount: 1 }], REQUEST_WINDOW)
      assert.equal(countedAmount(buckets, REQUEST_WINDOW, at + 60_000), 1)
      assert.equal(countedAmount(buckets, REQUEST_WINDOW, at + 61_000), 0)
    }),
    rounds(),
  )
})

test('calls one after the other never spend more than the limit and one call in any five hours', () => {
  fc.assert(
    fc.property(spends, fc.integer({ min: 1, max: 5000 }), (wanted, limit) => {
      let buckets: readonly Bucket[] = []
      const granted: Spend[] = []
      for (const spend of wanted) {
        if (countedAmount(buckets, TOKEN_WINDOW, spend.at) >= limit) continue
        buckets = withSpend(buckets, TOKEN_WINDOW, spend.at, spend.amount, spend.at)
        granted.push(spend)
      }
      // An interval that ends with a spend holds no less than one that ends a little later.
      for (const [index, last] of granted.entries()) {
        const before = granted.slice(0, index).filter(({ at }) => at >= last.at - HOURS_5)
        const sum = before.reduce((total, spend) => total + spend.amount, 0)
        assert.ok(sum < limit, `${sum} before the last call, and the limit is ${limit}`)
      }
    }),
    rounds(),
  )
})

test('a call is admitted exactly when the window says so, and not a millisecond earlier', () => {
  fc.assert(
    fc.property(
      spends,
      fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(1, 100, 200)),
      gapMs,
      (all, limit, laterMs) => {
        const buckets = bucketsOf(all)
        const now = (all.at(-1)?.at ?? NOON) + laterMs
        fc.pre(countedAmount(buckets, TOKEN_WINDOW, now) >= limit)
        const waitMs = msUntilBelow(buckets, TOKEN_WINDOW, limit, now)
        assert.ok(countedAmount(buckets, TOKEN_WINDOW, now + waitMs) < limit)
        assert.ok(countedAmount(buckets, TOKEN_WINDOW, now + waitMs - 1) >= limit)
      },
    ),
    rounds(),
  )
})

test('a limit that would be reached again exactly is not yet come below', () => {
  const buckets = [NOON, NOON + MINUTE, NOON + 2 * MINUTE].map((start) => ({ start, amount: 50 }))
  const now = NOON + 3 * MINUTE
  assert.equal(msUntilBelow(buckets, TOKEN_WINDOW, 101, now), HOURS_5 - 2 * MINUTE)
  assert.equal(msUntilBelow(buckets, TOKEN_WINDOW, 100, now), HOURS_5 - MINUTE)
  assert.equal(msUntilBelow(buckets, TOKEN_WINDOW, 50, now), HOURS_5)
})

test('a limit that nothing can come below is asked again at once', () => {
  assert.equal(msUntilBelow([], TOKEN_WINDOW, 0, NOON), 1)
})

test('spends stay one bucket a minute, oldest first, in whatever order they are told', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: fc.integer({ min: NOON, max: NOON + HOURS_5 }), amount }), { maxLength: 40 }),
      (all) => {
        const now = NOON + HOURS_5
        const told = all.reduce<readonly Bucket[]>(
          (buckets, spend) => withSpend(buckets, TOKEN_WINDOW, spend.at, spend.amount, now),
          [],
        )
        const inOrder = [...all]
          .toSorted((one, other) => one.at - other.at)
          .reduce<readonly Bucket[]>(
            (buckets, spend) => withSpend(buckets, TOKEN_WINDOW, spend.at, spend.amount, now),
            [],
          )
        assert.ok(isSorted(told))
        assert.deepEqual(told, inOrder)
        assert.equal(new Set(told.map(({ start }) => start)).size, told.length)
        const sum = all.reduce((total, spend) => total + spend.amount, 0)
        assert.equal(countedAmount(told, TOKEN_WINDOW, now), sum)
      },
    ),
    rounds(),
  )
})

test('a new spend takes those with it that count no longer', () => {
  const old = { start: NOON, amount: 5 }
  const young = { start: NOON + HOURS_5, amount: 7 }
  const now = NOON + HOURS_5 + MINUTE
  assert.deepEqual(withSpend([old, young], TOKEN_WINDOW, now, 1, now), [young, { start: now, amount: 1 }])
  assert.deepEqual(withSpend([old, young], TOKEN_WINDOW, young.start, 1, now), [{ start: young.start, amount: 8 }])
})

test('a correction takes back what was counted too much', () => {
  const at = NOON + 1234
  assert.deepEqual(withSpend([{ start: NOON, amount: 100 }], TOKEN_WINDOW, at, -40, at), [{ start: NOON, amount: 60 }])
})

test('the window begins with the oldest minute that still counts for something', () => {
  const buckets = [
    { start: NOON - HOURS_5 - MINUTE, amount: 5 }, // has left
    { start: NOON - 3 * MINUTE, amount: 0 },
    { start: NOON - 2 * MINUTE, amount: 9 },
    { start: NOON - MINUTE, amount: 9 },
  ]
  assert.deepEqual(oldestCounted(buckets, TOKEN_WINDOW, NOON), buckets[2])
  assert.equal(oldestCounted(buckets.slice(0, 2), TOKEN_WINDOW, NOON), undefined)
})

test('a bucket starts with its minute and leaves five hours after the end of it', () => {
  assert.equal(bucketStart(NOON + MINUTE - 1, TOKEN_WINDOW), NOON)
  assert.equal(bucketStart(NOON + MINUTE, TOKEN_WINDOW), NOON + MINUTE)
  assert.equal(leavesAt({ start: NOON, amount: 1 }, TOKEN_WINDOW), NOON + MINUTE + HOURS_5)
})
