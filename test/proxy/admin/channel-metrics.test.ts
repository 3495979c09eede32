import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { channelMetricsOperation } from '../../../proxy/admin/channel-metrics-operation.ts'
import type { Failure } from '../../../proxy/route/failure.ts'
import { createLogStatistics } from '../../../proxy/store/log-statistics.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { aChannel } from '../../support/a-channel.ts'
import { NOW, startAdminApi } from '../../support/admin-api.ts'
import { channelInput, channelsIn } from '../../support/channels.ts'
import { write } from '../../support/counters.ts'
import { type TestDatabase, testEngines } from '../../support/database.ts'
import { aRouter, status as refused } from '../../support/journeys.ts'
import { entryAt } from '../../support/log-entries.ts'

const MINUTE_MS = 60_000
const NOTHING = { requestCount: 0, successCount: 0, failureCount: 0, successRate: null }
const UNKNOWN = { consecutiveFailures: 0, lastSuccessAt: null, lastFailureAt: null, recentCalls: [] }
const WELL = { recentErrorRate: null, circuitOpenUntil: null, suspendedUntil: null, suspensionReason: null }

/** The operation over real stores, with one channel of each pool of two names, and a router that knows one of them. */
async function start(t: TestContext, store: TestDatabase) {
  const channels = channelsIn(store.database)
  const busy = await channels.create(channelInput({ name: 'busy' }), NOW)
  const idle = await channels.create(channelInput({ name: 'idle', pool: 'chat', serviceType: 'openai_chat' }), NOW)
  const suspensions = createSuspensionStore(store.database)
  const router = aRouter([aChannel(busy.id)])
  const environment = [aChannel('env-own')]
  const statistics = createLogStatistics(store.database)
  const operation = channelMetricsOperation({
    channels,
    environment,
    suspensions,
    statistics,
    health: (id) => router.health(id),
  })
  const api = await startAdminApi(t, store, { operations: [operation] })
  return {
    api,
    router,
    suspensions,
    busy: busy.id,
    idle: idle.id,
    metrics: async (query = ''): Promise<readonly Record<string, unknown>[]> => {
      const { status, text } = await api.send('GET', `/api/channels/metrics${query}`)
      assert.equal(status, 200, text)
      return JSON.parse(text) as readonly Record<string, unknown>[] // safe: held against the document
    },
  }
}

const counted = (requestCount: number, failureCount: number): object => ({
  requestCount,
  successCount: requestCount - failureCount,
  failureCount,
  successRate: ((requestCount - failureCount) / requestCount) * 100,
})

testEngines('calls of a channel are counted in windows up to a day', async (t, store) => {
  const { metrics, busy, idle } = await start(t, store)
  const ago = (minutes: number, httpStatus = 200) => entryAt(NOW - minutes * MINUTE_MS, { channel: 'busy', httpStatus })
  await write(store, [
    ago(0),
    ago(15),
    ago(16, 500),
    ago(60),
    ago(61, 429),
    ago(360),
    ago(361),
    ago(1440, 500),
    ago(1441, 500),
    entryAt(NOW, { channel: 'gone' }),
  ])
  const lastDay = counted(8, 3)
  assert.deepEqual(await metrics('?pool=messages'), [
    {
      channelId: busy,
      name: 'busy',
      pool: 'messages',
      ...lastDay,
      errorRate: 37.5,
      timeWindows: { '15m': counted(2, 0), '1h': counted(4, 1), '6h': counted(6, 2), '24h': lastDay },
      ...UNKNOWN,
      ...WELL,
      recentErrorRate: 0,
    },
    {
      channelId: 'env-own',
      name: 'env-own',
      pool: 'messages',
      ...NOTHING,
      errorRate: null,
      timeWindows: { '15m': NOTHING, '1h': NOTHING, '6h': NOTHING, '24h': NOTHING },
      ...UNKNOWN,
      ...WELL,
    },
  ])
  const all = await metrics()
  assert.deepEqual(
    all.map(({ channelId }) => channelId),
    [idle, busy, 'env-own'],
  )
})

testEngines('what a process knows of a channel is told, and what all know', async (t, store) => {
  const { metrics, router, suspensions, busy } = await start(t, store)
  const failing = (): void => {
    const call = router.call({ deadlineAt: Infinity })
    assert.equal(call.next(NOW).kind, 'send')
    call.failed({ kind: 'network' }, NOW)
  }
  const known = async (): Promise<object> => {
    const [first] = await metrics('?pool=messages')
    const { recentErrorRate, circuitOpenUntil, suspendedUntil, suspensionReason } = first ?? {}
    return { recentErrorRate, circuitOpenUntil, suspendedUntil, suspensionReason }
  }
  failing()
  assert.deepEqual(await known(), { ...WELL, recentErrorRate: 100 })
  for (let nth = 0; nth < 4; nth++) failing()
  const broken = { recentErrorRate: 100, circuitOpenUntil: '2030-01-02T00:15:00.000Z' }
  assert.deepEqual(await known(), { ...WELL, ...broken })
  await suspensions.suspend(busy, NOW + MINUTE_MS, '429', NOW)
  assert.deepEqual(await known(), {
    ...broken,
    suspendedUntil: '2030-01-02T00:01:00.000Z',
    suspensionReason: '429',
  })
})

testEngines('the last attempts of a channel are told, and since when it fails', async (t, store) => {
  const { metrics, router } = await start(t, store)
  const call = (at: number, ...failures: Failure[]): void => {
    const journey = router.call({ deadlineAt: Infinity })
    for (const failure of failures) {
      assert.equal(journey.next(at).kind, 'send')
      journey.failed(failure, at)
    }
    if (failures.length > 0) return
    assert.equal(journey.next(at).kind, 'send')
    journey.succeeded(at)
  }
  call(NOW)
  call(NOW + 1000, refused(400))
  const name = router.scheduling('messages', NOW).next?.name
  const told = async () => (await metrics('?pool=messages'))[0] ?? assert.fail()
  const ended = (second: number, success: boolean, statusCode: number | null): object => ({
    success,
    statusCode,
    timestamp: `2030-01-02T00:00:0${second}.000Z`,
    model: 'claude-opus-5',
    channelName: name,
    routedChannelName: null,
  })
  const well = await told()
  assert.deepEqual(
    [well['consecutiveFailures'], well['lastSuccessAt'], well['lastFailureAt'], well['recentCalls']],
    [0, '2030-01-02T00:00:01.000Z', null, [ended(0, true, 200), ended(1, true, 400)]],
  )
  call(NOW + 2000, refused(500))
  call(NOW + 3000, { kind: 'network' })
  const ill = await told()
  assert.deepEqual(
    [ill['consecutiveFailures'], ill['lastSuccessAt'], ill['lastFailureAt'], ill['recentCalls']],
    [
      2,
      '2030-01-02T00:00:01.000Z',
      '2030-01-02T00:00:03.000Z',
      [ended(0, true, 200), ended(1, true, 400), ended(2, false, 500), ended(3, false, null)],
    ],
  )
  for (let nth = 0; nth < 30; nth++) call(NOW + 4000)
  const { recentCalls } = await told()
  assert.equal((recentCalls as readonly unknown[]).length, 20) // safe: held against the document
})

testEngines('what is no pool is refused', async (t, store) => {
  const { api } = await start(t, store)
  assert.equal((await api.send('GET', '/api/channels/metrics?pool=none')).status, 400)
})
