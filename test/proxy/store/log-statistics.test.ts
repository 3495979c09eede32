import assert from 'node:assert/strict'
import { NO_USAGE } from '../../../proxy/domain/usage.ts'
import { createLogStatistics } from '../../../proxy/store/log-statistics.ts'
import { prune } from '../../../proxy/store/retention.ts'
import { write } from '../../support/counters.ts'
import { testEngines } from '../../support/database.ts'
import { entryAt } from '../../support/log-entries.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const day = { from: NOON - DAY_MS, to: NOON + DAY_MS }

const usage = { ...NO_USAGE, inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 4, outputTokens: 8 }
const opus = { usage, channel: 'first', model: 'opus', costNanoUsd: 100 }

testEngines(
  'sums are of every call of a span, by what it was asked to put together',
  async (_t, { database, keys }) => {
    const statistics = createLogStatistics(database)
    await keys.tenants.create('tenant-1', { name: 'acme' }, NOON)
    await keys.update('key-2', { tenantId: 'tenant-1' })
    await write({ database }, [
      entryAt(NOON, opus),
      entryAt(NOON + MINUTE_MS, { ...opus, keyId: 'key-2', costNanoUsd: null }),
      entryAt(NOON + 61 * MINUTE_MS, { ...opus, channel: 'second', httpStatus: 500 }),
      entryAt(NOON + DAY_MS, opus),
    ])
    const one = { inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 4, outputTokens: 8 }
    const two = { inputTokens: 2, cacheReadTokens: 4, cacheWriteTokens: 8, outputTokens: 16 }
    const three = { inputTokens: 3, cacheReadTokens: 6, cacheWriteTokens: 12, outputTokens: 24 }
    const all = { group: '', calls: 3, failedCalls: 1, ...three, costNanoUsd: 200 }
    assert.deepEqual(await statistics.sums(day, 'all'), [all])
    const second = { group: 'second', calls: 1, failedCalls: 1, ...one, costNanoUsd: 100 }
    const first = { group: 'first', calls: 2, failedCalls: 0, ...two, costNanoUsd: 100 }
    assert.deepEqual(await statistics.sums(day, 'channel'), [first, second])
    assert.deepEqual(await statistics.sums({ ...day, channel: 'second' }, 'channel'), [second])
    assert.deepEqual(await statistics.sums(day, { bucketMs: HOUR_MS }), [
      { ...first, group: String(NOON) },
      { ...second, group: String(NOON + HOUR_MS) },
    ])
    const ofTenant = { calls: 1, failedCalls: 0, ...one, costNanoUsd: 0 }
    assert.deepEqual(await statistics.sums({ ...day, tenantId: 'tenant-1' }, 'key_id'), [
      { group: 'key-2', ...ofTenant },
    ])
    assert.deepEqual(await statistics.sums({ from: NOON - 2, to: NOON - 1 }, 'all'), [])
  },
)

testEngines('sums stay what they are when minutes become hours, and hours days', async (_t, { database }) => {
  const statistics = createLogStatistics(database)
  const from = NOON - 200 * DAY_MS
  const calls = [0, 50, 199, 200].map((days) => entryAt(from + days * DAY_MS + 90 * MINUTE_MS, opus))
  await write({ database }, calls)
  const span = { from: from + 80 * MINUTE_MS, to: NOON + DAY_MS }
  const before = await statistics.sums(span, 'channel')
  assert.equal(before[0]?.calls, 4)
  const byDay = await statistics.sums(span, { bucketMs: DAY_MS })
  await prune(database, 0, 0, NOON + 2 * HOUR_MS)
  assert.deepEqual(await statistics.sums(span, 'channel'), before)
  assert.deepEqual(await statistics.sums(span, { bucketMs: DAY_MS }), byDay)
})

testEngines('a sample tells times and what the sums are not kept by', async (_t, { database }) => {
  const statistics = createLogStatistics(database)
  const fast = { sessionId: 's1', stream: true, firstByteMs: 100, usage: { ...usage, outputTokens: 50 } }
  const durations = Array.from({ length: 20 }, (_, nth) =>
    entryAt(NOON + nth, { ...fast, durationMs: (nth + 1) * 100, clientId: nth === 0 ? 'u1' : 'u2' }),
  )
  const slow = { sessionId: 's2', stream: false, firstByteMs: 990, durationMs: 1000, endpoint: 'responses' }
  const later = entryAt(NOON + HOUR_MS, { ...slow, usage, costNanoUsd: 7 })
  await write({ database }, [...durations, later])

  const { groups, since } = await statistics.sample(day, 'session_id')
  assert.equal(since, NOON)
  const [s1, s2] = groups
  assert.deepEqual([s1?.group, s1?.calls, s1?.averageMs], ['s1', 20, 1050])
  assert.deepEqual([s1?.firstAt, s1?.lastAt, s1?.callsWithOutput], [NOON, NOON + 19, 19], 'one had no time for output')
  const { tokensPerSecond, ...rest } = s2 ?? {}
  assert.equal(tokensPerSecond, 8, 'what is no stream comes all at once, in the time of the whole call')
  assert.deepEqual(rest, {
    group: 's2',
    calls: 1,
    failedCalls: 0,
    inputTokens: 1,
    cacheReadTokens: 2,
    cacheWriteTokens: 4,
    outputTokens: 8,
    costNanoUsd: 7,
    averageMs: 1000,
    p50Ms: null,
    p95Ms: null,
    callsWithOutput: 1,
    firstAt: NOON + HOUR_MS,
    lastAt: NOON + HOUR_MS,
    endpoint: 'responses',
  })
  const byHour = await statistics.sample(day, { bucketMs: HOUR_MS })
  const percentiles = byHour.groups.map(({ p50Ms, p95Ms }) => [p50Ms, p95Ms])
  assert.deepEqual(percentiles, [
    [1000, 1900],
    [1000, 1000],
  ])
  const names = async (...asked: Parameters<typeof statistics.sample>): Promise<readonly string[]> =>
    (await statistics.sample(...asked)).groups.map(({ group }) => group)
  assert.deepEqual((await names(day, 'client_id')).toSorted(), ['', 'u1', 'u2'], 'who is unknown has no name')
  assert.deepEqual(await names({ ...day, endpoint: 'responses' }, 'session_id'), ['s2'])
  assert.deepEqual(await names(day, { bucketMs: HOUR_MS }), [String(NOON), String(NOON + HOUR_MS)])
  assert.deepEqual(await names({ ...day, channel: 'nowhere' }, 'all'), [])
  assert.deepEqual(await statistics.sample({ from: 0, to: 1 }, 'all'), { groups: [], since: null })
})

testEngines('a sample is of the newest ten thousand calls, and says since when', async (_t, store) => {
  const statistics = createLogStatistics(store.database)
  for (let at = 0; at < 10_002; at += 3334) {
    await write(
      store,
      Array.from({ length: 3334 }, (_, nth) => entryAt(NOON + at + nth)),
    )
  }
  const { groups, since } = await statistics.sample(day, 'all')
  assert.deepEqual([groups[0]?.calls, since], [10_000, NOON + 2])
  assert.equal((await statistics.sums(day, 'all'))[0]?.calls, 10_002)
})
