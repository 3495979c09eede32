import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Entry } from '../../../../proxy/domain/entry.ts'
import { NO_USAGE } from '../../../../proxy/domain/usage.ts'
import { createPriceStore } from '../../../../proxy/store/prices.ts'
import { NOW, startAdminApi } from '../../../support/admin-api.ts'
import { countersOf, write } from '../../../support/counters.ts'
import { type TestDatabase, testEngines } from '../../../support/database.ts'
import { entryAt } from '../../../support/log-entries.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

async function start(t: TestContext, store: TestDatabase) {
  const api = await startAdminApi(t, store)
  return {
    ...api,
    /** What is answered, which the document allows. */
    async ok(method: string, path: string, sent: Parameters<typeof api.send>[2] = {}) {
      const { status, json, text } = await api.send(method, path, sent)
      assert.equal(status, 200, text)
      return json
    },
  }
}

/** The request ids of a page. */
function requestsOf(page: Record<string, unknown>): readonly string[] {
  const requests = page['requests'] as readonly { readonly requestId: string }[] // safe: held against the document
  return requests.map(({ requestId }) => requestId)
}

testEngines('a call is shown with all that is known of it', async (t, store) => {
  const api = await start(t, store)
  const failed = { channel: 'first', model: 'opus', durationMs: 5, usage: NO_USAGE, costs: null } as const
  const entry = entryAt(NOW - MINUTE_MS, {
    requestId: 'r1',
    model: 'opus',
    channel: 'second',
    channelId: 'abad1dea',
    clientId: 'user',
    sessionId: 'session',
    effort: 'high',
    lost: 'top_k,metadata',
    told: { model: 'opus-20300101', serviceTier: 'priority', error: null },
    usage: {
      inputTokens: 1,
      cacheReadTokens: 2,
      cacheWriteTokens: 4,
      cacheWrite1hTokens: 3,
      outputTokens: 8,
      reasoningTokens: 5,
    },
    spend: 13,
    costs: {
      inputNanoUsd: 1_000_000,
      outputNanoUsd: 2_000_000,
      cacheWriteNanoUsd: 0,
      cacheReadNanoUsd: 500,
      totalNanoUsd: 3_000_500,
    },
    costNanoUsd: 3_000_500,
    attempts: [
      { ...failed, status: 429, error: 'rate_limit_error', followedBy: 'again', quota: null },
      { ...failed, status: 0, error: 'upstream_unreachable', followedBy: 'next', quota: null },
    ],
    firstByteMs: 100,
    durationMs: 1500,
  })
  await write(store, [entry])
  assert.deepEqual(await api.ok('GET', `/api/logs/${entry.id}`), {
    id: entry.id,
    requestId: 'r1',
    status: 'completed',
    initialTime: '2030-01-01T23:59:00.000Z',
    firstTokenTime: '2030-01-01T23:59:00.100Z',
    firstTokenDurationMs: 100,
    completeTime: '2030-01-01T23:59:01.500Z',
    durationMs: 1500,
    type: 'messages',
    providerName: 'second',
    model: 'opus',
    responseModel: 'opus-20300101',
    reasoningEffort: 'high',
    serviceTier: 'priority',
    inputTokens: 1,
    outputTokens: 8,
    cacheCreationInputTokens: 4,
    cacheCreation1hInputTokens: 3,
    cacheReadInputTokens: 2,
    reasoningTokens: 5,
    totalTokens: 15,
    spendTokens: 13,
    metering: 'exact',
    price: 0.0030005,
    inputCost: 0.001,
    outputCost: 0.002,
    cacheCreationCost: 0,
    cacheReadCost: 0.0000005,
    costNanoUsd: 3_000_500,
    httpStatus: 200,
    stream: true,
    transport: 'sse',
    channelId: 'abad1dea',
    channelName: 'second',
    endpoint: 'messages',
    clientId: 'user',
    sessionId: 'session',
    apiKeyId: 'key-1',
    error: null,
    upstreamError: null,
    lostFields: ['top_k', 'metadata'],
    failoverInfo: '429:rate_limit_error > retry; network:upstream_unreachable > failover > second',
    attempts: [
      {
        channel: 'first',
        model: 'opus',
        status: 429,
        error: 'rate_limit_error',
        action: 'retry',
        durationMs: 5,
        costNanoUsd: null,
      },
      {
        channel: 'first',
        model: 'opus',
        status: 0,
        error: 'upstream_unreachable',
        action: 'failover',
        durationMs: 5,
        costNanoUsd: null,
      },
    ],
    hasDebugData: false,
  })
})

testEngines('calls are listed newest first, by page, and by what is asked for', async (t, store) => {
  const api = await start(t, store)
  const made: readonly Partial<Entry>[] = [{ httpStatus: 503, channelId: 'abad1dea' }, { model: 'opus' }, {}, {}]
  await write(
    store,
    made.map((more, nth) => entryAt(NOW - 1000 + nth, { requestId: `r${nth}`, ...more })),
  )
  const first = await api.ok('GET', '/api/logs?limit=3')
  assert.deepEqual(requestsOf(first), ['r3', 'r2', 'r1'])
  assert.deepEqual([first['total'], first['totalIsExact'], first['hasMore']], [4, true, true])
  const [unpriced] = first['requests'] as readonly Record<string, unknown>[] // safe: held against the document
  assert.deepEqual([unpriced?.['price'], unpriced?.['costNanoUsd'], unpriced?.['inputCost']], [null, null, null])
  const rest = await api.ok('GET', `/api/logs?limit=3&before=${String(first['next'])}`)
  assert.deepEqual([requestsOf(rest), rest['total'], rest['hasMore'], rest['next']], [['r0'], null, false, null])
  assert.deepEqual(requestsOf(await api.ok('GET', '/api/logs?offset=1&limit=2')), ['r2', 'r1'])

  const queries: Readonly<Record<string, readonly string[]>> = {
    'httpStatus=5xx': ['r0'],
    'httpStatus=503': ['r0'],
    'httpStatus=4xx': [],
    'channel=abad1dea': ['r0'],
    'provider=abad1dea': ['r0'],
    'model=opus&httpStatus=2xx': ['r1'],
    'status=failed': [],
    [`from=${new Date(NOW - 998).toISOString()}`]: ['r3', 'r2'],
    [`to=${new Date(NOW - 998).toISOString()}`]: ['r1', 'r0'],
  }
  for (const [query, found] of Object.entries(queries)) {
    assert.deepEqual(requestsOf(await api.ok('GET', `/api/logs?${query}`)), found, query)
  }
})

testEngines('whoever administers a tenant sees its calls, and no others, whatever it asks for', async (t, store) => {
  const api = await start(t, store)
  await store.keys.tenants.create('tenant-1', { name: 'acme' }, NOW)
  await store.keys.update('key-2', { tenantId: 'tenant-1' })
  const own = entryAt(NOW - 2, { keyId: 'key-2', requestId: 'own', sessionId: 's' })
  const other = entryAt(NOW - 1, { requestId: 'other', sessionId: 's' })
  await write(store, [own, other])
  const asTenant = (path: string) => api.ok('GET', path, { key: 'tenant' })
  for (const query of ['', '?tenantId=tenant-2', '?keyId=key-1', '?sessionId=s']) {
    const found = query === '?keyId=key-1' ? [] : ['own']
    assert.deepEqual(requestsOf(await asTenant(`/api/logs${query}`)), found, query)
  }
  assert.equal((await api.send('GET', `/api/logs/${other.id}`, { key: 'tenant' })).status, 404)
  assert.equal((await asTenant(`/api/logs/${own.id}`))['requestId'], 'own')
  assert.equal((await asTenant('/api/logs/stats'))['totalRequests'], 1)
  assert.deepEqual(Object.keys((await asTenant('/api/logs/stats?tenantId=tenant-2'))['byApiKey'] as object), ['key-2'])
  const { summary } = (await asTenant('/api/logs/stats/history')) as { summary: { totalRequests: number } } // safe: documented
  assert.equal(summary.totalRequests, 1)
  const { dataPoints } = (await asTenant('/api/logs/stats/daily')) as { dataPoints: { requests: number }[] } // safe: documented
  assert.equal(
    dataPoints.reduce((sum, { requests }) => sum + requests, 0),
    1,
  )
  const sessions = (await asTenant('/api/logs/sessions/active')) as unknown as { count: number }[] // safe: documented
  assert.deepEqual(
    sessions.map(({ count }) => count),
    [1],
  )
  assert.deepEqual(requestsOf(await api.ok('GET', '/api/logs?tenantId=tenant-1')), ['own'])
})

testEngines('cleaning up deletes what is older than it was told, and is in the audit log', async (t, store) => {
  const api = await start(t, store)
  const days = [0, 29, 31, 59, 61]
  await write(
    store,
    days.map((age) => entryAt(NOW - age * DAY_MS, { requestId: `${age} days` })),
  )
  const counters = await countersOf(store)
  const cleaned = await api.ok('POST', '/api/logs/cleanup?days=60')
  assert.deepEqual(cleaned, { message: 'Deleted 1 calls', deletedCount: 1, retentionDays: 60 })
  assert.equal((await api.ok('DELETE', '/api/logs'))['deletedCount'], 2)
  assert.deepEqual(requestsOf(await api.ok('GET', '/api/logs')), ['0 days', '29 days'])
  assert.deepEqual(await countersOf(store), counters)
  const audited = (await api.audited()).filter(({ after }) => after !== null)
  assert.deepEqual(
    audited.map(({ operation, target, after }) => [operation, target, after]),
    [
      ['cleanUpLogs', 'before 2029-11-03T00:00:00.000Z', '{"deletedCount":1}'],
      ['clearLogs', 'before 2029-12-03T00:00:00.000Z', '{"deletedCount":2}'],
    ],
  )
})

testEngines('a call that another program reports is shown once, and counted nowhere', async (t, store) => {
  const api = await start(t, store)
  const price = { input: 3_000_000_000, cacheRead: 0, cacheWrite: 0, output: 15_000_000_000 }
  await createPriceStore(store.database).set('opus', { ...price, description: '', isExported: true })
  const counters = await countersOf(store)
  const body = {
    requestId: 'r1',
    model: 'opus-20300101',
    initialTime: new Date(NOW - 5000).toISOString(),
    firstTokenTime: new Date(NOW - 4000).toISOString(),
    completeTime: new Date(NOW - 2000).toISOString(),
    inputTokens: 1000,
    outputTokens: 100,
    sessionId: 's',
  }
  const report = (more: object = {}) => api.ok('POST', '/api/logs/hooks/anthropic', { body: { ...body, ...more } })
  const { id, created } = await report()
  assert.equal(created, true)
  assert.deepEqual(await report({ inputTokens: 5 }), { id, created: false })
  const shown = await api.ok('GET', `/api/logs/${String(id)}`)
  const told = (...names: readonly string[]) => names.map((name) => shown[name])
  assert.deepEqual(told('channelName', 'channelId', 'apiKeyId', 'type'), ['hook', 'hook:anthropic', null, 'messages'])
  assert.deepEqual(told('durationMs', 'firstTokenDurationMs', 'stream', 'httpStatus'), [3000, 1000, true, 200])
  assert.deepEqual(told('inputCost', 'outputCost', 'price', 'inputTokens'), [0.003, 0.0015, 0.0045, 1000])

  const failed = await report({ requestId: 'r2', status: 'timeout', model: 'unheard of', initialTime: undefined })
  const { status, error, price: none } = await api.ok('GET', `/api/logs/${String(failed['id'])}`)
  assert.deepEqual([status, error, none], ['failed', 'timeout', null])
  const priced = await report({ requestId: 'r3', inputCost: 0.5, outputCost: 0.25 })
  assert.equal((await api.ok('GET', `/api/logs/${String(priced['id'])}`))['price'], 0.75)
  assert.deepEqual(await countersOf(store), counters)
  assert.equal((await api.ok('GET', '/api/logs/stats'))['totalRequests'], 0)
})
