import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RateLimits } from '../../../proxy/domain/rate-limits.ts'
import { createRequestCounter } from '../../../proxy/limit/request-counter.ts'
import { createRateLimits } from '../../../proxy/rate-limits.ts'
import { createCipher } from '../../../proxy/secrets/cipher.ts'
import { RATE_LIMITS } from '../../../proxy/store/call-configuration.ts'
import { createConfiguration } from '../../../proxy/store/configuration.ts'
import { OLD_KEY } from '../../support/channels.ts'
import { startAdminApi } from '../../support/admin-api.ts'
import { openDatabase, testEngines } from '../../support/database.ts'

const PATH = '/api/ratelimit'
const limits = {
  api: { enabled: true, requestsPerMinute: 10_000 },
  portal: { enabled: true, requestsPerMinute: 1 },
  authFailure: {
    enabled: true,
    thresholds: [
      { failures: 1, blockMinutes: 1 },
      { failures: 2, blockMinutes: 1440 },
    ],
  },
}

testEngines(
  'rate limits are those of the program until somebody sets others, and again after a reset',
  async (t, store) => {
    const api = await startAdminApi(t, store)
    const { load, inForce } = createRateLimits()
    const reload = async (): Promise<void> => {
      const { settings } = await createConfiguration(store.database, createCipher([OLD_KEY])).forCalls(Date.now())
      load(settings[RATE_LIMITS] as RateLimits | undefined) // safe: as the API has written it
    }
    const byDefault = (await api.send('GET', PATH)).json
    assert.deepEqual(byDefault, {
      api: { enabled: false, requestsPerMinute: 100 },
      portal: { enabled: false, requestsPerMinute: 60 },
      authFailure: {
        enabled: true,
        thresholds: [
          { failures: 5, blockMinutes: 1 },
          { failures: 10, blockMinutes: 5 },
          { failures: 20, blockMinutes: 30 },
        ],
      },
    })
    assert.equal((await api.send('PUT', PATH, { body: limits })).status, 200)
    assert.deepEqual((await api.send('GET', PATH)).json, limits)
    await reload()
    assert.deepEqual(inForce(), {
      apiRpm: 10_000,
      portalRpm: 1,
      blockLevels: [
        { failures: 1, blockMs: 60_000 },
        { failures: 2, blockMs: 86_400_000 },
      ],
    })
    const off = { ...limits, authFailure: { ...limits.authFailure, enabled: false } }
    await api.send('PUT', PATH, { body: off })
    await reload()
    assert.deepEqual(inForce().blockLevels, [])

    const { headers } = await api.send('GET', '/api/config/failover')
    assert.equal((await api.send('POST', `${PATH}/reset`)).status, 200)
    assert.deepEqual((await api.send('GET', PATH)).json, byDefault)
    for (const [method, path, body] of [
      ['PUT', PATH, limits],
      ['POST', `${PATH}/reset`, {}],
    ] as const) {
      const { status, json } = await api.send(method, path, { body, headers: { 'if-match': headers.etag ?? '' } })
      assert.deepEqual([status, json['code']], [409, 'revision_conflict'])
    }
    const line = (await api.audited()).find(({ operation }) => operation === 'setRateLimits')
    assert.deepEqual(
      [line?.target, JSON.parse(line?.before ?? ''), JSON.parse(line?.after ?? '')],
      ['ratelimit', byDefault, limits],
    )
  },
)

test('rate limits that are none are refused with the place', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const levels = (...pairs: readonly (readonly [number, number])[]): object => ({
    ...limits,
    authFailure: {
      enabled: true,
      thresholds: pairs.map(([failures, blockMinutes]) => ({ failures, blockMinutes })),
    },
  })
  const requests = (requestsPerMinute: unknown): object => ({ ...limits, api: { enabled: true, requestsPerMinute } })
  const refused: readonly (readonly [body: object, field: string])[] = [
    [requests(0), 'api.requestsPerMinute'],
    [requests(10_001), 'api.requestsPerMinute'],
    [requests('7'), 'api.requestsPerMinute'],
    [levels(), 'authFailure.thresholds'],
    [levels([5, 1], [5, 2]), 'authFailure.thresholds'],
    [levels([5, 2], [6, 2]), 'authFailure.thresholds'],
    [levels([5, 1441]), 'authFailure.thresholds.0.blockMinutes'],
    [levels([0, 1]), 'authFailure.thresholds.0.failures'],
    [{ api: limits.api, portal: limits.portal }, 'authFailure'],
  ]
  for (const [body, field] of refused) {
    const { status, json } = await api.send('PUT', PATH, { body })
    const [detail] = json['details'] as readonly { readonly field: string }[] // safe: held against the document
    assert.deepEqual([status, detail?.field], [400, field], JSON.stringify(body))
  }
})

test('who calls the admin API too often is refused, by the key, and who has none by the address', async (t) => {
  const counter = createRequestCounter()
  const api = await startAdminApi(t, await openDatabase(t), {
    countRequest: (caller, at) => counter.count(caller, 2, at),
  })
  const answers = async (key: string | null) => {
    const seen = []
    for (let call = 0; call < 3; call++) {
      const { status, headers, json } = await api.send('GET', '/api/tenants', { key })
      seen.push([status, json['code'], headers['x-ratelimit-remaining']])
    }
    return seen
  }
  assert.deepEqual(await answers('admin'), [
    [200, undefined, '1'],
    [200, undefined, '0'],
    [429, 'rate_limited', '0'],
  ])
  assert.deepEqual(await answers('wrong'), [
    [401, 'key_invalid', '1'],
    [401, 'key_invalid', '0'],
    [429, 'rate_limited', '0'],
  ])
  const { headers } = await api.send('GET', '/openapi.json', { key: null })
  assert.deepEqual(
    [headers['retry-after'], headers['x-ratelimit-limit'], headers['x-ratelimit-reset']],
    ['60', '2', String(Date.UTC(2030, 0, 2) / 1000 + 60)],
  )
  assert.equal((await api.send('GET', '/api/tenants', { key: 'tenant' })).status, 200)
})
