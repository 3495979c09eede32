import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import type { KeyRecord } from '../../../proxy/domain/key.ts'
import { createLimiter, type Limiter } from '../../../proxy/limit/limiter.ts'
import { windowOf } from '../../../proxy/limit/window.ts'
import { aKey } from '../../support/a-key.ts'
import { admit, spent } from '../../support/limiter.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOURS_5 = 300 * MINUTE
const NOON = Date.UTC(2030, 0, 1, 12)

/** A limiter on a clock that stands until it is moved; its timers go by the same clock. */
function onClock(t: TestContext, waitMs = 10 * SECOND, defaultRpm: () => number | null = () => null) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = NOON
  return {
    limiter: createLimiter({ waitMs: waitMs, now: () => now, leases: undefined, defaultRpm }),
    pass: (ms: number): void => {
      now += ms
      t.mock.timers.tick(ms)
    },
  }
}

const adopt = (limiter: Limiter, key: KeyRecord, spend: number): void =>
  limiter.adopt([{ keyId: key.id, minute: NOON, spend, costNanoUsd: 0, entries: 1 }])

const window = (limiter: Limiter, key: KeyRecord) => windowOf(limiter.usage(key), key.tokenLimit, NOON)

/** It costs a nano-USD a token. */
const PRICED = {
  bodyBytes: 1,
  maxTokens: 1,
  model: 'a-model',
  price: { input: 1_000_000, cacheRead: 0, cacheWrite: 0, output: 1_000_000 },
  serviceTier: 'standard',
} as const

/** Everything that waits for a promise that is settled has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function isRefusal(code: string, retryAfterMs: number) {
  return (error: unknown) => {
    assert.ok(error instanceof GatewayError)
    assert.equal(error.code, code)
    assert.equal(error.particulars.retryAfterMs, retryAfterMs)
    return true
  }
}

test('a key without limits is always let in', async (t) => {
  const { limiter } = onClock(t)
  for (let call = 0; call < 100; call++) await admit(limiter, aKey(), 1_000_000, undefined)
})

test('a spent limit is refused with what was used, and when the key is let in again', async (t) => {
  const { limiter, pass } = onClock(t)
  const key = aKey({ tokenLimit: 100 })
  const admission = await admit(limiter, key, 10, 10)
  admission.settle(spent(120, 20))
  pass(MINUTE + 500)

  const retryAfterMs = HOURS_5 - 500
  await assert.rejects(admit(limiter, key, 10, 10), (error) => {
    assert.ok(error instanceof GatewayError)
    assert.deepEqual(error.particulars.legacy, {
      message: 'Token limit exceeded for 5-hour window',
      type: 'rate_limit_exceeded',
      tokens_used: 120,
      tokens_limit: 100,
      window_ends_at: new Date(NOON + MINUTE + HOURS_5).toISOString(),
    })
    return isRefusal('window_exhausted', retryAfterMs)(error)
  })

  pass(retryAfterMs - 1)
  await assert.rejects(admit(limiter, key, 10, 10), isRefusal('window_exhausted', 1))
  pass(1)
  await admit(limiter, key, 10, 10)
})

test('a spend counts in the minute in which its call was admitted, however late it is known', async (t) => {
  const { limiter, pass } = onClock(t)
  const key = aKey({ tokenLimit: 100 })
  const admission = await admit(limiter, key, 10, 10)
  pass(30 * MINUTE)
  admission.settle(spent(100, undefined))
  assert.equal(window(limiter, key).startedAt, NOON)
  await assert.rejects(admit(limiter, key, 10, 10), isRefusal('window_exhausted', HOURS_5 - 29 * MINUTE))
})

test('what the database knew of a key when it was loaded counts', async (t) => {
  const { limiter } = onClock(t)
  const minutes = [{ start: NOON - MINUTE, amount: 100 }]
  const key = aKey({ tokenLimit: 100, usage: { lifetimeTokens: 700, lastUsedAt: NOON - MINUTE, minutes } })
  await assert.rejects(admit(limiter, key, 1, 1), isRefusal('window_exhausted', HOURS_5))
  assert.deepEqual(window(limiter, key), {
    usedTokens: 100,
    startedAt: NOON - MINUTE,
    endsAt: NOON + HOURS_5,
    lifetimeTokens: 700,
    lastUsedAt: NOON - MINUTE,
  })
})

test('the window of a key that was not used begins now', (t) => {
  const { limiter } = onClock(t)
  assert.deepEqual(window(limiter, aKey({ tokenLimit: 100 })), {
    usedTokens: 0,
    startedAt: NOON,
    endsAt: NOON + HOURS_5,
    lifetimeTokens: 0,
    lastUsedAt: null,
  })
})

test('a spend of another process counts from when it is told, and is nothing for a key that is not in memory', async (t) => {
  const { limiter } = onClock(t)
  const key = aKey({ tokenLimit: 100 })
  adopt(limiter, key, 1000)
  assert.equal(window(limiter, key).usedTokens, 0)
  adopt(limiter, key, 100)
  assert.equal(window(limiter, key).usedTokens, 100)
  adopt(limiter, key, -60) // it was an estimate, and is known now
  assert.equal(window(limiter, key).usedTokens, 40)
  assert.equal(window(limiter, key).lifetimeTokens, 40)
})

test('a call that did not happen is not counted', async (t) => {
  const { limiter } = onClock(t)
  const key = aKey({ tokenLimit: 100 })
  const admission = await admit(limiter, key, 1000, 1000)
  admission.release()
  assert.equal(window(limiter, key).usedTokens, 0)
  await admit(limiter, key, 1000, 1000)
})

test('a call that did not happen takes no request of the minute', async (t) => {
  const { limiter } = onClock(t)
  const key = aKey({ rpm: 1 })
  for (let call = 0; call < 3; call++) (await admit(limiter, key, 1, 1)).release()
  ;(await admit(limiter, key, 1, 1)).settle(spent(1, 1))
  await assert.rejects(
    admit(limiter, key, 1, 1),
    (error) => error instanceof GatewayError && error.code === 'rate_limited',
  )
})

test('a key that is loaded hears of spends of other processes before its first call', async (t) => {
  const { limiter } = onClock(t)
  const key = aKey({ tokenLimit: 100 })
  limiter.load(key)
  adopt(limiter, key, 60)
  assert.equal(window(limiter, key).usedTokens, 60)
})

test('an estimate learns from what calls are known to have used', async (t) => {
  const { limiter } = onClock(t)
  const key = aKey()
  const before = (await admit(limiter, key, 100, undefined)).estimate
  const call = await admit(limiter, key, 100, undefined)
  call.settle(spent(5000, undefined))
  assert.deepEqual((await admit(limiter, key, 100, undefined)).estimate, before)
  const known = await admit(limiter, key, 100, undefined)
  known.settle(spent(50_000, 50_000))
  assert.ok((await admit(limiter, key, 100, undefined)).estimate.outputUpper > 99_000)
})

test('a call that may not fit waits until another has ended', async (t) => {
  const { limiter } = onClock(t)
  const key = aKey({ tokenLimit: 1000 })
  const first = await admit(limiter, key, 100, 800)
  let isIn = false
  const second = admit(limiter, key, 100, 800).then((admission) => {
    isIn = true
    return admission
  })
  await settled()
  assert.equal(isIn, false)
  first.settle(spent(50, 25))
  assert.equal((await second).admittedAt, NOON)
})

test('what the others in flight may spend is still held back when one has ended', async (t) => {
  const { limiter } = onClock(t, 0)
  const key = aKey({ tokenLimit: 1000 })
  const first = await admit(limiter, key, 0, 300)
  const second = await admit(limiter, key, 0, 300)
  await admit(limiter, key, 0, 300)
  first.release()
  await assert.rejects(admit(limiter, key, 0, 401), isRefusal('window_reserved', 1000))
  second.settle(spent(200, undefined))
  await assert.rejects(admit(limiter, key, 0, 501), isRefusal('window_reserved', 1000))
  await admit(limiter, key, 0, 500)
})

test('a call that waits is refused once the limit is spent', async (t) => {
  const { limiter } = onClock(t)
  const key = aKey({ tokenLimit: 1000 })
  const first = await admit(limiter, key, 100, 900)
  const second = admit(limiter, key, 100, 900)
  first.settle(spent(1000, 900))
  await assert.rejects(second, isRefusal('window_exhausted', HOURS_5 + MINUTE))
})

test('a call that has waited long enough is told to try again soon', async (t) => {
  const { limiter, pass } = onClock(t, 10 * SECOND)
  const key = aKey({ tokenLimit: 1000 })
  const first = await admit(limiter, key, 100, 900)
  const second = admit(limiter, key, 100, 900)
  const refused = assert.rejects(second, isRefusal('window_reserved', 1000))
  pass(10 * SECOND)
  await refused
  first.settle(spent(1, 1)) // nobody waits any more
  await admit(limiter, key, 100, 900)
})

test('a call that waits has not used its time up before it is over', async (t) => {
  const { limiter, pass } = onClock(t, 10 * SECOND)
  const key = aKey({ tokenLimit: 1000 })
  const first = await admit(limiter, key, 100, 900)
  const second = admit(limiter, key, 100, 900)
  pass(10 * SECOND - 1)
  await settled()
  first.settle(spent(1, 1))
  assert.equal((await second).admittedAt, NOON + 10 * SECOND - 1)
})

test('no call waits where waiting is switched off', async (t) => {
  const { limiter } = onClock(t, 0)
  const key = aKey({ tokenLimit: 1000 })
  await admit(limiter, key, 100, 900)
  await assert.rejects(admit(limiter, key, 100, 900), isRefusal('window_reserved', 1000))
})

test('as many requests as the rate allows are let in within a minute, and the next when the first has left', async (t) => {
  const { limiter, pass } = onClock(t)
  const key = aKey({ rpm: 3 })
  for (let call = 0; call < 3; call++) {
    const admission = await admit(limiter, key, 1, 1)
    admission.settle(spent(1, 1))
    pass(500)
  }
  const retryAfterMs = 61_000 - 1500
  await assert.rejects(admit(limiter, key, 1, 1), isRefusal('rate_limited', retryAfterMs))
  pass(retryAfterMs - 1)
  await assert.rejects(admit(limiter, key, 1, 1), isRefusal('rate_limited', 1))
  pass(1)
  await admit(limiter, key, 1, 1)
})

test('refused requests do not count against the rate', async (t) => {
  const { limiter, pass } = onClock(t)
  const key = aKey({ rpm: 1 })
  await admit(limiter, key, 1, 1)
  for (let call = 0; call < 5; call++) {
    pass(10 * SECOND)
    await assert.rejects(admit(limiter, key, 1, 1), isRefusal('rate_limited', 51_000 - call * 10 * SECOND))
  }
  pass(11 * SECOND)
  await admit(limiter, key, 1, 1)
})

test('two keys do not know of one another', async (t) => {
  const { limiter } = onClock(t)
  const call = await admit(limiter, aKey({ id: 'A', tokenLimit: 10 }), 1, 1)
  call.settle(spent(10, 1))
  await admit(limiter, aKey({ id: 'B', tokenLimit: 10 }), 1, 1)
})

test('what a key has cost before it had a budget counts against it', async (t) => {
  const { limiter } = onClock(t)
  const free = await limiter.admit(aKey(), PRICED)
  free.settle({ tokens: 2, costNanoUsd: 500, outputTokens: 1 })
  await assert.rejects(limiter.admit(aKey({ budget5h: 500 }), PRICED), isRefusal('budget_exhausted', HOURS_5 + MINUTE))
  await limiter.admit(aKey({ budget5h: 502 }), PRICED)
})

test('what the database knew of the cost of a key when it was loaded counts, by its minutes and hours', async (t) => {
  const { limiter } = onClock(t)
  const usage = {
    lifetimeTokens: 9,
    lastUsedAt: NOON - MINUTE,
    minutes: [],
    costMinutes: [{ start: NOON - MINUTE, amount: 100 }],
    costHours: [
      { start: NOON - 30 * 60 * MINUTE, amount: 700 },
      { start: NOON - 60 * MINUTE, amount: 100 },
    ],
  }
  for (const [budget, retryAfterMs] of [
    [{ budget5h: 100 }, HOURS_5],
    [{ budgetDay: 100 }, 24 * 60 * MINUTE],
    [{ budgetMonth: 800 }, (30 * 24 - 29) * 60 * MINUTE],
    [{ budgetDay: 100, budgetIsCalendar: true }, 12 * 60 * MINUTE],
  ] as const) {
    const key = aKey({ ...budget, usage, id: JSON.stringify(budget) })
    await assert.rejects(limiter.admit(key, PRICED), isRefusal('budget_exhausted', retryAfterMs))
  }
  const rich = aKey({ budget5h: 1000, budgetDay: 1000, budgetMonth: 1000, usage, id: 'rich' })
  ;(await limiter.admit(rich, PRICED)).release()
})

test('a key with a budget uses only models that have a price', async (t) => {
  const { limiter } = onClock(t)
  await assert.rejects(admit(limiter, aKey({ budgetMonth: 1 }), 1, 1), (error) => {
    assert.ok(error instanceof GatewayError)
    assert.equal(error.code, 'model_unpriced')
    return true
  })
})

test('requests in a minute that hold for all keys count at once, and not for keys that have their own', async (t) => {
  let rpm: number | null = null
  const { limiter, pass } = onClock(t, 0, () => rpm)
  const [key, own] = [aKey({ id: '1', rpm: null }), aKey({ id: '2', rpm: 2 })]
  await admit(limiter, key, 1)
  rpm = 1
  assert.deepEqual(
    limiter.standing(key).map(({ unit, limit, left }) => [unit, limit, left]),
    [['requests', 1, 1]],
  )
  await admit(limiter, key, 1)
  await assert.rejects(admit(limiter, key, 1), isRefusal('rate_limited', MINUTE + SECOND))
  for (let call = 0; call < 2; call++) await admit(limiter, own, 1)
  pass(MINUTE + SECOND)
  await admit(limiter, key, 1)
  rpm = null
  await admit(limiter, key, 1)
})
