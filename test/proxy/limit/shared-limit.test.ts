import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { rounds } from '../../support/rounds.ts'
import { largestSum, simulate, type SimulatedCall } from '../../support/shared-limit.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const WINDOW = 300 * MINUTE
const LIMIT = 20_000
const LARGEST = 100 // two hundred of them are the limit
const SHARE = 0.02

const size = fc.double({ min: 0.05, max: 1, noNaN: true })
/** Heavy-tailed: most calls are small, and a few are as large as they may be. */
const heavyTailed = size.map((chance) => Math.min(LARGEST, Math.ceil(5 / chance)))
const anySize = fc.integer({ min: 0, max: LARGEST })

interface Burst {
  readonly at: number
  /** Between two calls. */
  readonly everyMs: number
  readonly sizes: readonly number[]
  readonly lastsMs: number
}

function callsOf(bursts: readonly Burst[], replicas: number, upperOf: (actual: number) => number): SimulatedCall[] {
  return bursts.flatMap(({ at, everyMs, sizes, lastsMs }) =>
    sizes.map((actual, place) => ({
      at: at + place * everyMs,
      replica: place % replicas,
      upper: upperOf(actual),
      actual,
      lastsMs,
    })),
  )
}

function expectPromise(granted: ReturnType<typeof simulate>['granted'], largest: number): void {
  const most = largestSum(granted, WINDOW)
  assert.ok(most <= LIMIT + Math.max(LIMIT * SHARE, largest), `${most} of ${LIMIT}`)
}

const replicas = fc.integer({ min: 1, max: 5 })
const burst = (sizes: fc.Arbitrary<number>) =>
  fc.record({
    at: fc.integer({ min: 0, max: 11 * 60 }).map((minute) => minute * MINUTE),
    everyMs: fc.constantFrom(0, 1, 20, 500),
    sizes: fc.array(sizes, { minLength: 150, maxLength: 400 }),
    lastsMs: fc.constantFrom(1, 100, 3000, 90_000),
  })

for (const [what, sizes] of [
  ['whatever sizes calls have', anySize],
  ['when few calls are as large as most are together', heavyTailed],
  ['when every call is as large as it may be', fc.constant(LARGEST)],
] as const) {
  test(`replicas keep to a limit in every five hours, ${what}`, () => {
    fc.assert(
      fc.property(fc.array(burst(sizes), { minLength: 3, maxLength: 8 }), replicas, (bursts, count) => {
        expectPromise(
          simulate(
            LIMIT,
            count,
            callsOf(bursts, count, () => LARGEST),
            2000,
          ).granted,
          LARGEST,
        )
      }),
      rounds(40),
    )
  })
}

test('replicas that are asked for more than the limit let all of it be spent', () => {
  fc.assert(
    fc.property(
      fc.array(heavyTailed, { minLength: 2500, maxLength: 2500 }),
      replicas,
      fc.constantFrom(5, 20, 60),
      fc.constantFrom(50, 1000, 3000),
      (sizes, count, everyMs, lastsMs) => {
        const calls = callsOf([{ at: 0, everyMs, sizes, lastsMs }], count, () => LARGEST)
        // Whoever is refused while others are in flight comes again: at the end nothing is.
        const again = callsOf(
          [{ at: 2500 * everyMs + MINUTE, everyMs: 500, sizes: sizes.slice(0, 50), lastsMs: 1 }],
          count,
          () => LARGEST,
        )
        const { granted } = simulate(LIMIT, count, [...calls, ...again], 500)
        expectPromise(granted, LARGEST)
        const sum = largestSum(granted, WINDOW)
        assert.ok(
          sum >= LIMIT * (1 - SHARE) || sum === calls.reduce((all, { actual }) => all + actual, 0),
          `${sum} of ${LIMIT}`,
        )
      },
    ),
    rounds(8),
  )
})

test('a caller that sends small calls until the limit is near, and then the largest, gets no more', () => {
  fc.assert(
    fc.property(replicas, fc.integer({ min: 0, max: 60 }), fc.constantFrom(0, 1, 10), (count, spare, everyMs) => {
      const small = Array.from({ length: Math.floor((LIMIT - spare * 10) / 50) }, () => 50)
      const bursts = [
        { at: 0, everyMs: 100, sizes: small, lastsMs: 10 },
        { at: 100 * small.length, everyMs, sizes: Array.from({ length: 100 }, () => LARGEST), lastsMs: 5000 },
        // And once more at the first instant at which something can have left.
        { at: WINDOW, everyMs, sizes: Array.from({ length: 100 }, () => LARGEST), lastsMs: 5000 },
        { at: WINDOW + MINUTE, everyMs, sizes: Array.from({ length: 100 }, () => LARGEST), lastsMs: 5000 },
      ]
      expectPromise(
        simulate(
          LIMIT,
          count,
          callsOf(bursts, count, () => LARGEST),
          2000,
        ).granted,
        LARGEST,
      )
    }),
    rounds(15),
  )
})
