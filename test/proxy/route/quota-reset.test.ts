import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { QuotaReset } from '../../../proxy/domain/channel.ts'
import { quotaPeriod } from '../../../proxy/route/quota-reset.ts'
import { rounds } from '../../support/rounds.ts'

const time = (text: string): number => Date.parse(`${text}Z`)
const text = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString().slice(0, 19))

type Unit = QuotaReset['unit']
type Row = readonly [at: string, every: number, unit: Unit, now: string, startsAt: string | null, resetsAt: string]

const fixed: readonly Row[] = [
  ['2030-01-01T06:00:00', 5, 'hours', '2030-01-01T05:59:59', null, '2030-01-01T06:00:00'],
  ['2030-01-01T06:00:00', 5, 'hours', '2030-01-01T06:00:00', '2030-01-01T06:00:00', '2030-01-01T11:00:00'],
  ['2030-01-01T06:00:00', 5, 'hours', '2030-01-01T10:59:59', '2030-01-01T06:00:00', '2030-01-01T11:00:00'],
  ['2030-01-01T06:00:00', 5, 'hours', '2030-01-01T11:00:00', '2030-01-01T11:00:00', '2030-01-01T16:00:00'],
  ['2030-01-01T06:00:00', 1, 'days', '2030-03-01T05:00:00', '2030-02-28T06:00:00', '2030-03-01T06:00:00'],
  ['2030-01-01T06:00:00', 2, 'weeks', '2030-01-20T00:00:00', '2030-01-15T06:00:00', '2030-01-29T06:00:00'],
  ['2030-01-31T06:00:00', 1, 'months', '2030-02-28T05:59:59', '2030-01-31T06:00:00', '2030-02-28T06:00:00'],
  ['2030-01-31T06:00:00', 1, 'months', '2030-02-28T06:00:00', '2030-02-28T06:00:00', '2030-03-31T06:00:00'],
  ['2030-01-31T06:00:00', 1, 'months', '2030-04-30T06:00:00', '2030-04-30T06:00:00', '2030-05-31T06:00:00'],
  ['2028-01-30T06:00:00', 1, 'months', '2028-03-01T00:00:00', '2028-02-29T06:00:00', '2028-03-30T06:00:00'],
  ['2030-11-30T00:00:00', 3, 'months', '2031-03-01T00:00:00', '2031-02-28T00:00:00', '2031-05-30T00:00:00'],
  ['2030-01-15T06:00:00', 12, 'months', '2032-01-15T05:00:00', '2031-01-15T06:00:00', '2032-01-15T06:00:00'],
]

for (const [at, every, unit, now, startsAt, resetsAt] of fixed) {
  test(`at ${now} a quota of ${every} ${unit} from ${at} counts from ${startsAt ?? 'ever'} to ${resetsAt}`, () => {
    const period = quotaPeriod({ mode: 'fixed', at: time(at), every, unit }, null, time(now))
    assert.deepEqual([text(period.startsAt), text(period.resetsAt)], [startsAt, resetsAt])
  })
}

type RollingRow = readonly [
  firstCall: string | null,
  now: string,
  startsAt: string | null,
  resetsAt: string | null,
  every?: QuotaReset['unit'],
]

/** From the first of January at 06:00 on, five units. */
const rolling: Readonly<Record<string, RollingRow>> = {
  'is reset for the first time when it is said': [null, '2030-01-01T05:00:00', null, '2030-01-01T06:00:00'],
  'is reset then whatever was called before': [
    '2030-01-01T01:00:00',
    '2030-01-01T05:59:59',
    null,
    '2030-01-01T06:00:00',
  ],
  'waits for a call from then on': ['2030-01-01T04:00:00', '2030-01-01T06:00:00', '2030-01-01T06:00:00', null],
  'waits as long as there is none': [null, '2030-02-01T00:00:00', null, null],
  'is reset an interval after the first call': [
    '2030-01-01T08:30:00',
    '2030-01-01T13:29:59',
    '2030-01-01T08:30:00',
    '2030-01-01T13:30:00',
  ],
  'waits for the next call then': ['2030-01-01T08:30:00', '2030-01-01T13:30:00', '2030-01-01T13:30:00', null],
  'counts months by the calendar': [
    '2030-09-30T08:30:00',
    '2030-10-01T00:00:00',
    '2030-09-30T08:30:00',
    '2031-02-28T08:30:00',
    'months',
  ],
}

for (const [what, [firstCall, now, startsAt, resetsAt, unit = 'hours']] of Object.entries(rolling)) {
  test(`a rolling quota ${what}`, () => {
    const reset: QuotaReset = { mode: 'rolling', at: time('2030-01-01T06:00:00'), every: 5, unit }
    const period = quotaPeriod(reset, firstCall === null ? null : time(firstCall), time(now))
    assert.deepEqual([text(period.startsAt), text(period.resetsAt)], [startsAt, resetsAt])
  })
}

const instant = fc.integer({ min: time('2000-01-01T00:00:00'), max: time('2099-12-31T00:00:00') })
const resets = fc.record({
  mode: fc.constant('fixed' as const),
  at: instant,
  every: fc.integer({ min: 1, max: 30 }),
  unit: fc.constantFrom<Unit>('hours', 'days', 'weeks', 'months'),
})

test('at every moment one period of a fixed quota is running', () => {
  fc.assert(
    fc.property(resets, instant, (reset, now) => {
      const { startsAt, resetsAt } = quotaPeriod(reset, null, now)
      assert.ok(resetsAt !== null && now < resetsAt, 'it ends later')
      assert.equal(startsAt === null, now < reset.at)
      assert.ok(startsAt === null || startsAt <= now, 'it has begun')
    }),
    rounds(2000),
  )
})

test('each period of a fixed quota begins when the one before it ends', () => {
  fc.assert(
    fc.property(resets, instant, (reset, now) => {
      const { startsAt, resetsAt } = quotaPeriod(reset, null, now)
      assert.ok(resetsAt !== null)
      assert.equal(quotaPeriod(reset, null, resetsAt).startsAt, resetsAt)
      assert.equal(quotaPeriod(reset, null, resetsAt - 1).startsAt, startsAt)
      if (startsAt !== null) assert.equal(quotaPeriod(reset, null, startsAt).resetsAt, resetsAt)
    }),
    rounds(2000),
  )
})

test('a quota of months is reset on the day of its first reset, or on the last day of a shorter month', () => {
  fc.assert(
    fc.property(instant, fc.integer({ min: 1, max: 24 }), instant, (at, every, now) => {
      const { resetsAt } = quotaPeriod({ mode: 'fixed', at, every, unit: 'months' }, null, now)
      assert.ok(resetsAt !== null)
      const [first, next] = [new Date(at), new Date(resetsAt)]
      const isLastDay = new Date(resetsAt + 86_400_000).getUTCDate() === 1
      assert.ok(next.getUTCDate() === first.getUTCDate() || (isLastDay && next.getUTCDate() < first.getUTCDate()))
      assert.equal(next.toISOString().slice(10), first.toISOString().slice(10))
    }),
    rounds(2000),
  )
})

test('a rolling quota is reset an interval after its first call, or sooner where it was said', () => {
  fc.assert(
    fc.property(resets, instant, instant, (fixedReset, firstCallAt, now) => {
      fc.pre(firstCallAt <= now)
      const reset: QuotaReset = { ...fixedReset, mode: 'rolling' }
      const { startsAt, resetsAt } = quotaPeriod(reset, firstCallAt, now)
      assert.ok(resetsAt === null || resetsAt > now)
      assert.ok(startsAt === null || startsAt <= now)
      assert.ok(startsAt === null || startsAt >= firstCallAt)
    }),
    rounds(2000),
  )
})
