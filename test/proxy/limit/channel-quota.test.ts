import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Applied } from '../../../proxy/domain/store.ts'
import {
  createQuotaPots,
  type QuotaDraw,
  type QuotaPeriod,
  type QuotaRefusal,
} from '../../../proxy/limit/channel-quota.ts'
import type { LeasedPot } from '../../../proxy/limit/leased-pot.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const SECOND = 1000
/** How long a call waits for what is in flight. */
const PATIENCE = 500

const requests = (limit: number, since = NOON): QuotaPeriod => ({ channelId: 'a', since, unit: 'requests', limit })
const credit = (limit: number): QuotaPeriod => ({ channelId: 'a', since: NOON, unit: 'credit', limit })
const ended = (httpStatus: number, costNanoUsd: number | null = null) => ({ httpStatus, costNanoUsd })

/** Quotas on a clock that stands until it is moved; their timers go by the same clock. */
function onClock(t: TestContext, isShared = false) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = NOON
  const kept: LeasedPot[] = []
  const leases = {
    keep: (pot: LeasedPot) => void (kept.includes(pot) || kept.push(pot)),
    hurry: () => undefined,
  }
  const pots = createQuotaPots({ now: () => now, leases: isShared ? leases : undefined })
  return {
    pots,
    kept,
    now: () => now,
    draw: (period: QuotaPeriod, upper = 1) => pots.draw(period, upper, Infinity),
    pass: async (ms: number): Promise<void> => {
      now += ms
      t.mock.timers.tick(ms)
      await settled()
    },
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function drawn(draw: QuotaDraw | QuotaRefusal): QuotaDraw {
  assert.ok(typeof draw === 'object', `refused: ${JSON.stringify(draw)}`)
  return draw
}

function written(subject: string, ofRequests: number, costNanoUsd: number, entries = 1): readonly Applied[] {
  const quota = { subject, requests: ofRequests, costNanoUsd }
  return [{ keyId: 'key-1', minute: NOON, spend: 0, costNanoUsd, entries, quota }]
}

test('what a call has used is what the ledger counts, and the rest goes to the next', async (t) => {
  const { draw, pots, pass } = onClock(t)
  for (const [status, costs] of [
    [500, 3],
    [401, null],
    [499, 7],
  ] as const) {
    const one = drawn(await draw(requests(2)))
    assert.equal(one.subject, `channel:a:${NOON}`)
    one.settle(ended(status, costs))
  }
  drawn(await draw(requests(2))).settle(ended(400))
  drawn(await draw(requests(2))).release()
  drawn(await draw(requests(2))).settle(ended(204))
  assert.equal(pots.isSpent(requests(2)), false, 'nobody has met it yet')
  assert.equal(await draw(requests(2)), 'spent')
  assert.equal(pots.isSpent(requests(2)), true)
  assert.equal(pots.isSpent(requests(3)), false, 'the limit was raised')
  assert.equal(pots.isSpent(requests(2, NOON + 1)), false, 'the period is another')
  drawn(await draw(requests(3))).release()
  await pass(10 * SECOND)
  assert.equal(pots.isSpent(requests(2)), false, 'somebody looks again after a while')
})

test('money is counted by what calls have cost, and one call may go over', async (t) => {
  const { draw } = onClock(t)
  drawn(await draw(credit(100), 60)).settle(ended(200, 40))
  drawn(await draw(credit(100), 60)).settle(ended(500, null))
  drawn(await draw(credit(100), 60)).settle(ended(500, 59))
  drawn(await draw(credit(100), 60)).settle(ended(200, 60))
  assert.equal(await draw(credit(100), 60), 'spent')
})

test('what failed attempts have cost is spent, though another channel served the call', async (t) => {
  const { draw } = onClock(t)
  drawn(await draw(credit(100), 60)).release(99)
  drawn(await draw(credit(100), 60)).release(1)
  assert.equal(await draw(credit(100), 60), 'spent')
  drawn(await draw(requests(1))).release(99)
  drawn(await draw(requests(1))).release()
})

test('a call waits a moment for what calls in flight may give back, in the order of coming', async (t) => {
  const { draw, pass } = onClock(t)
  const first = drawn(await draw(requests(2)))
  const second = drawn(await draw(requests(2)))
  const answers: string[] = []
  const waiting = ['c', 'd'].map(async (name) => {
    const draws = await draw(requests(2))
    answers.push(`${name} ${typeof draws === 'string' ? draws : 'in'}`)
  })
  await settled()
  assert.deepEqual(answers, [])
  first.settle(ended(500))
  await settled()
  assert.deepEqual(answers, ['c in'])
  second.settle(ended(200))
  await pass(PATIENCE - 1)
  assert.deepEqual(answers, ['c in'], 'the last one is in flight')
  await pass(1)
  assert.deepEqual(answers, ['c in', 'd held'])
  await Promise.all(waiting)
})

test('what was used before a process began is not used again', async (t) => {
  const { draw, pots } = onClock(t)
  assert.deepEqual(pots.unknown([requests(3), credit(9)]), [requests(3), credit(9)])
  pots.open(requests(3), { used: 2, replicas: 1 })
  assert.deepEqual(pots.unknown([requests(3), credit(9)]), [credit(9)])
  drawn(await draw(requests(3))).settle(ended(200))
  assert.equal(await draw(requests(3)), 'spent')
})

test('what a dead process has used is told when it turns up', async (t) => {
  const { draw, pots } = onClock(t)
  const period = requests(3)
  drawn(await draw(period)).settle(ended(200))
  pots.committed(written(`channel:a:${NOON}`, 1, 0)) // its own, which it knows
  pots.adopt(written(`channel:a:${NOON}`, 1, 50))
  pots.adopt(written('channel:b:0', 9, 9))
  pots.adopt([{ keyId: 'key-1', minute: NOON, spend: 5, costNanoUsd: 5, entries: 1 }])
  drawn(await draw(period)).settle(ended(200))
  assert.equal(await draw(period), 'spent')
})

test('calls of a period that is over count to it, and not to the next', async (t) => {
  const { draw, pots } = onClock(t)
  const [old, next] = [requests(1), requests(1, NOON + 5)]
  const late = drawn(await draw(old))
  const one = drawn(await draw(next))
  assert.equal(one.subject, `channel:a:${NOON + 5}`)
  late.settle(ended(200))
  assert.equal(late.subject, `channel:a:${NOON}`)
  assert.deepEqual(pots.unknown([old, next]), [], 'the old one is kept until its calls are in the store')
  pots.committed(written(late.subject, 1, 0))
  one.release()
  drawn(await draw(requests(1, NOON + 9))).release()
  assert.deepEqual(pots.unknown([old, next]), [old, next])
})

test('replicas share a quota by leases, which what is written leaves', async (t) => {
  const { draw, pots, kept, now } = onClock(t, true)
  const period = requests(100)
  assert.deepEqual(pots.unknown([period]), [], 'the store tells it with the lease')
  const first = draw(period)
  const [pot] = kept
  const ask = pot?.ask(now())
  assert.ok(pot && ask)
  const { subject, unit } = ask
  assert.deepEqual(
    [subject, unit, ask.limit, ask.wanted, ask.used],
    [`channel:a:${NOON}`, 'quota_requests', 100, 1, []],
  )
  pot.grant({ subject, unit, granted: 3, used: 90, others: 7, endsAt: null }, 2, now())
  pots.wake()
  drawn(await first).settle(ended(200))
  drawn(await draw(period)).settle(ended(500))
  assert.equal(pot.ask(now())?.base, 1, 'what the store has not heard of')
  pots.committed(written(subject, 1, 0, 2))
  assert.equal(pot.ask(now())?.base, 0)
  assert.equal(pot.known().used, 91)
  pot.grant({ subject, unit, granted: 0, used: 100, others: 0, endsAt: NOON * 3 }, 2, now())
  assert.equal(await draw(period), 'spent')
})

test('while the store is away a share of what was left may be used', async (t) => {
  const { draw, pots, kept, now } = onClock(t, true)
  const first = draw(requests(100))
  const [pot] = kept
  const ask = pot?.ask(now())
  assert.ok(pot && ask)
  pot.grant({ subject: ask.subject, unit: ask.unit, granted: 0, used: 98, others: 0, endsAt: null }, 2, now())
  pot.goOffline(0.5, now(), true)
  pots.wake()
  drawn(await first).settle(ended(200))
  assert.equal(await draw(requests(100)), 'away')
})
