import assert from 'node:assert/strict'
import { NO_USAGE } from '../../../../proxy/domain/usage.ts'
import { NOW, startAdminApi } from '../../../support/admin-api.ts'
import { write } from '../../../support/counters.ts'
import { testEngines } from '../../../support/database.ts'
import { entryAt } from '../../../support/log-entries.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const usage = { ...NO_USAGE, inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 4, outputTokens: 8 }
const call = { usage, costNanoUsd: 500_000_000, stream: false, durationMs: 2000, channel: 'first', model: 'opus' }
const tokens = { inputTokens: 1, outputTokens: 8, cacheCreationInputTokens: 4, cacheReadInputTokens: 2 }
const twice = { inputTokens: 2, outputTokens: 16, cacheCreationInputTokens: 8, cacheReadInputTokens: 4 }
const nothing = { inputTokens: 0, outputTokens: 0, cacheCreationInputTokens: 0, cacheReadInputTokens: 0, cost: 0 }

testEngines('statistics tell what was used and cost, and by whom', async (t, store) => {
  const api = await startAdminApi(t, store)
  await write(store, [
    entryAt(NOW - 2 * DAY_MS, call),
    entryAt(NOW - HOUR_MS, { ...call, clientId: 'u1', sessionId: 's1' }),
    entryAt(NOW - MINUTE_MS, { ...call, channel: 'second', keyId: 'key-2', httpStatus: 500, costNanoUsd: null }),
  ])
  const one = { count: 1, ...tokens, avgLatencyMs: 2000, avgTps: 4, avgTpsSampleCount: 1 }
  const good = { ...one, success: 1, failure: 0, cost: 0.5 }
  const bad = { ...one, success: 0, failure: 1, cost: 0 }
  const { json } = await api.send('GET', '/api/logs/stats')
  assert.deepEqual(json, {
    totalRequests: 2,
    totalSuccess: 1,
    totalFailure: 1,
    totalTokens: {
      inputTokens: 2,
      outputTokens: 16,
      cacheCreationInputTokens: 8,
      cacheReadInputTokens: 4,
      totalTokens: 30,
    },
    totalCost: 0.5,
    avgLatencyMs: 2000,
    avgTps: 4,
    avgTpsSampleCount: 2,
    p95LatencyMs: 2000,
    byProvider: { first: good, second: bad },
    byModel: { opus: good },
    byClient: { u1: good },
    bySession: { s1: good },
    byApiKey: { 'key-1': good, 'key-2': bad },
    sample: { calls: 2, since: new Date(NOW - HOUR_MS).toISOString() },
    timeRange: { from: '2030-01-01T00:00:00.000Z', to: '2030-01-02T00:00:00.001Z' },
  })
  const { json: none } = await api.send('GET', '/api/logs/stats?from=2029-06-01T00:00:00Z&to=2029-06-02T00:00:00Z')
  assert.deepEqual([none['totalRequests'], none['avgLatencyMs'], none['byModel']], [0, null, {}])
  assert.deepEqual(none['sample'], { calls: 0, since: null })
})

testEngines('days without calls are told, too', async (t, store) => {
  const api = await startAdminApi(t, store)
  await write(store, [entryAt(NOW - 2 * DAY_MS, call), entryAt(NOW - 2 * DAY_MS + HOUR_MS, call), entryAt(NOW, call)])
  const { json } = await api.send('GET', '/api/logs/stats/daily?from=2029-12-31T05:00:00Z')
  const times = { avgDurationMs: 2000, avgTps: 4 }
  assert.deepEqual(json['dataPoints'], [
    {
      date: '2029-12-31',
      requests: 2,
      success: 2,
      failure: 0,
      ...twice,
      cost: 1,
      ...times,
    },
    { date: '2030-01-01', requests: 0, success: 0, failure: 0, ...nothing, avgDurationMs: null, avgTps: null },
    { date: '2030-01-02', requests: 1, success: 1, failure: 0, ...tokens, cost: 0.5, ...times },
  ])
  const { json: month } = await api.send('GET', '/api/logs/stats/daily')
  assert.equal((month['dataPoints'] as unknown[]).length, 30) // safe: held against the document
})

interface History {
  readonly dataPoints: readonly {
    readonly timestamp: string
    readonly requests: number
    readonly p50DurationMs: number
  }[]
  readonly summary: Readonly<Record<string, unknown>>
}

testEngines('a history has a point for each stretch, and a summary of all', async (t, store) => {
  const api = await startAdminApi(t, store)
  await write(store, [
    entryAt(NOW - 30 * DAY_MS, call),
    entryAt(NOW - 5 * HOUR_MS, { ...call, endpoint: 'responses', durationMs: 4000 }),
    entryAt(NOW - 10 * MINUTE_MS, { ...call, channel: 'second', httpStatus: 500 }),
    entryAt(NOW - 10 * MINUTE_MS + 1, call),
  ])
  const read = async (query: string): Promise<History> => {
    const { status, json, text } = await api.send('GET', `/api/logs/stats/history?${query}`)
    assert.equal(status, 200, text)
    return json as unknown as History // safe: held against the document
  }
  const busy = ({ dataPoints }: History) =>
    dataPoints
      .filter(({ requests }) => requests > 0)
      .map(({ timestamp, requests, p50DurationMs }) => [timestamp.slice(5, 16), requests, p50DurationMs])

  const hour = await read('duration=1h')
  assert.equal(hour.dataPoints.length, 61)
  assert.deepEqual(busy(hour), [['01-01T23:50', 2, 2000]])
  assert.deepEqual(hour.summary, {
    totalRequests: 2,
    totalSuccess: 1,
    totalFailure: 1,
    totalInputTokens: 2,
    totalOutputTokens: 16,
    totalCacheCreationTokens: 8,
    totalCacheReadTokens: 4,
    totalCost: 1,
    avgSuccessRate: 50,
    avgDurationMs: 2000,
    p50DurationMs: 2000,
    p95DurationMs: 2000,
    duration: '1h',
  })
  const early = ['01-01T19:00', 1, 4000]
  const late = (at: string, requests = 2) => [`01-01T23:${at}`, requests, 2000]
  assert.deepEqual(busy(await read('duration=6h')), [early, late('50')])
  assert.deepEqual(busy(await read('')), [early, late('45')])
  assert.deepEqual(busy(await read('channel=second')), [late('45', 1)])
  assert.deepEqual(busy(await read('endpoint=responses')), [early])
  assert.deepEqual(busy(await read('duration=today')), [], 'it is midnight')
  assert.deepEqual(busy(await read('duration=period&from=2030-01-01T00:00:00Z&to=2030-01-01T20:00:00Z')), [early])
  const month = await read('duration=period&from=2029-12-01T00:00:00Z')
  assert.deepEqual(busy(month), [
    ['12-03T00:00', 1, 2000],
    ['01-01T00:00', 3, 2000],
  ])
})

testEngines('sessions are active that had a call a short while ago', async (t, store) => {
  const api = await startAdminApi(t, store)
  await write(store, [
    entryAt(NOW - 10 * HOUR_MS, { ...call, sessionId: 's1' }),
    entryAt(NOW - MINUTE_MS, { ...call, sessionId: 's1', endpoint: 'chat/completions', costNanoUsd: null }),
    entryAt(NOW - 2 * HOUR_MS, { ...call, sessionId: 's2' }),
    entryAt(NOW - MINUTE_MS, call),
  ])
  const { json } = await api.send('GET', '/api/logs/sessions/active')
  assert.deepEqual(json, [
    {
      sessionId: 's1',
      type: 'messages',
      firstRequestTime: '2030-01-01T14:00:00.000Z',
      lastRequestTime: '2030-01-01T23:59:00.000Z',
      count: 2,
      ...twice,
      cost: 0.5,
    },
  ])
  for (const [threshold, found] of Object.entries({ '59s': 0, '61s': 1, '3h': 2 })) {
    const { text } = await api.send('GET', `/api/logs/sessions/active?threshold=${threshold}`)
    assert.equal((JSON.parse(text) as unknown[]).length, found, threshold) // safe: held against the document
  }
})
