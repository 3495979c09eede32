import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QuotaReset } from '../../proxy/domain/channel.ts'
import { StoreError } from '../../proxy/domain/store-error.ts'
import { createQuotaPeriods, periodAt } from '../../proxy/quota-periods.ts'
import type { QuotaPeriodRow, QuotaStore } from '../../proxy/store/channel-quota.ts'
import { aChannel } from '../support/a-channel.ts'

const HOUR = 3_600_000
const NOON = Date.UTC(2030, 0, 1, 12)
const fixed: QuotaReset = { mode: 'fixed', at: NOON, every: 5, unit: 'hours' }
const rolling: QuotaReset = { ...fixed, mode: 'rolling' }

type Begun = Pick<QuotaPeriodRow, 'since' | 'endsAt'> | undefined
const begun = (since: number, endsAt: number | null = null): Begun => ({ since, endsAt })
const never = null

const table: readonly (readonly [
  what: string,
  reset: QuotaReset | null,
  last: Begun,
  now: number,
  since: number,
  resetsAt: number | null,
  isAwaited?: boolean,
])[] = [
  ['without a reset', null, undefined, NOON, 0, never],
  ['without a reset, after one by hand', null, begun(NOON - 7), NOON, NOON - 7, never],
  ['before the first reset', fixed, undefined, NOON - 1, 0, NOON],
  ['at the first reset', fixed, undefined, NOON, NOON, NOON + 5 * HOUR],
  ['a moment before the next', fixed, undefined, NOON + 5 * HOUR - 1, NOON, NOON + 5 * HOUR],
  ['at the next', fixed, undefined, NOON + 5 * HOUR, NOON + 5 * HOUR, NOON + 10 * HOUR],
  ['after a reset by hand', fixed, begun(NOON + HOUR), NOON + 2 * HOUR, NOON + HOUR, NOON + 5 * HOUR],
  ['after a reset by hand before the last', fixed, begun(NOON - HOUR), NOON + HOUR, NOON, NOON + 5 * HOUR],
  ['rolling, before the first reset', rolling, undefined, NOON - 1, 0, NOON],
  ['rolling, before the first call', rolling, undefined, NOON + HOUR, 0, never, true],
  ['rolling, from a first call', rolling, begun(NOON + 1), NOON + HOUR, NOON + 1, NOON + 1 + 5 * HOUR],
  ['rolling, at its end', rolling, begun(NOON + 1), NOON + 1 + 5 * HOUR, NOON + 1 + 5 * HOUR, never, true],
  ['rolling, after a reset by hand', rolling, begun(NOON + 9, NOON + 9), NOON + HOUR, NOON + 9, never, true],
  ['rolling, reset by hand before the first', rolling, begun(NOON - 9, NOON - 9), NOON - 1, NOON - 9, NOON],
]

for (const [what, reset, last, now, since, resetsAt, isAwaited = false] of table) {
  test(`the period of a quota ${what}`, () => {
    assert.deepEqual(periodAt(reset, last, now), { since, resetsAt, isAwaited })
  })
}

const channel = aChannel('a', { quota: { unit: 'requests', limit: 10, models: [], reset: rolling } })

/** A process at noon, whose store does what the test says. */
function startPeriods(begin: QuotaStore['begin']) {
  let now = NOON
  const logged: string[] = []
  const tried: number[] = []
  const store: QuotaStore = {
    list: () => assert.fail('nobody reads'),
    begin(row, replaces) {
      tried.push(row.since)
      return begin(row, replaces)
    },
    reset: () => assert.fail('nobody resets'),
    used: () => assert.fail('nobody asks'),
  }
  const log = { error: (_: unknown, text: string) => logged.push(text) } as never // safe: nothing else is logged
  const periods = createQuotaPeriods({ store, now: () => now, log })
  return {
    logged,
    tried,
    current: async () => (await periods.current(channel)).since,
    at: (time: number) => void (now = time),
    hear: (row: QuotaPeriodRow) => periods.hear([row]),
  }
}

const row = (since: number): QuotaPeriodRow => ({ channelId: 'a', since, endsAt: since + 5 * HOUR })

test('calls that come at once begin one period', async () => {
  const process = startPeriods(async (begins) => begins)
  assert.deepEqual(await Promise.all([process.current(), process.current()]), [NOON, NOON])
  process.at(NOON + 5 * HOUR - 1)
  assert.equal(await process.current(), NOON)
  process.at(NOON + 5 * HOUR + 3)
  assert.equal(await process.current(), NOON + 5 * HOUR + 3)
  assert.deepEqual(process.tried, [NOON, NOON + 5 * HOUR + 3])
})

test('a call counts to the period that another replica has begun a moment before', async () => {
  const process = startPeriods(async () => row(NOON))
  process.at(NOON + 2)
  assert.equal(await process.current(), NOON)
  assert.deepEqual(process.tried, [NOON + 2])
})

test('while the store is away a period is begun without it, and told later', async () => {
  let isAway = true
  const away = new StoreError('connection', 'it is away', { operation: 'begin' })
  const process = startPeriods((begins) => (isAway ? Promise.reject(away) : Promise.resolve(begins)))
  assert.equal(await process.current(), NOON)
  assert.equal(await process.current(), NOON, 'not asked again at once')
  assert.equal(process.tried.length, 1)
  isAway = false
  process.at(NOON + 1000)
  assert.equal(await process.current(), NOON)
  assert.deepEqual([process.tried, process.logged], [[NOON, NOON], []])
  process.at(NOON + 2000)
  assert.equal(await process.current(), NOON)
  assert.equal(process.tried.length, 2, 'the store knows it')
})

test('what the store refuses is logged, and the calls go on', async () => {
  const process = startPeriods(() => Promise.reject(new Error('no such table')))
  assert.equal(await process.current(), NOON)
  assert.deepEqual(process.logged, ['the period of a quota cannot be begun'])
})

test('a period that was read late does not replace a later one, and a reset by hand does', async () => {
  const process = startPeriods(async (begins) => begins)
  process.hear(row(NOON - 6 * HOUR))
  assert.equal(await process.current(), NOON)
  process.at(NOON + 9)
  process.hear(row(NOON - 6 * HOUR))
  assert.equal(await process.current(), NOON)
  process.at(NOON + 10)
  process.hear({ channelId: 'a', since: NOON + 5, endsAt: NOON + 5 })
  assert.equal(await process.current(), NOON + 10, 'the next call begins a period')
})

test('a call in the moment of a reset by hand counts to what begins then', async () => {
  const process = startPeriods(async (begins) => begins)
  assert.equal(await process.current(), NOON)
  process.hear({ channelId: 'a', since: NOON + 1, endsAt: NOON + 1 })
  assert.equal(await process.current(), NOON + 1)
})
