import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ChannelInput } from '../../../proxy/domain/channel-input.ts'
import { channelProbeOperations } from '../../../proxy/admin/channel-probe-operations.ts'
import { aChannel } from '../../support/a-channel.ts'
import { startAdminApi } from '../../support/admin-api.ts'
import { channelInput, channelsIn } from '../../support/channels.ts'
import { openDatabase, type TestDatabase, testEngines } from '../../support/database.ts'
import { startFakeUpstream } from '../../support/fake-upstream.ts'
import { freePort } from '../../support/free-port.ts'

const SECRET = 'sk-the-first-of-the-account'
const keys = [SECRET, 'sk-the-second-of-the-account']

/** The admin API of the product, with a fake upstream, and a way to make channels. */
async function start(t: TestContext, made?: TestDatabase) {
  const store = made ?? (await openDatabase(t))
  const upstream = await startFakeUpstream({ models: ['claude-a', 'claude-b'] })
  t.after(() => upstream.close())
  const channels = channelsIn(store.database)
  const api = await startAdminApi(t, store)
  return {
    api,
    upstream,
    create: async (more: Partial<ChannelInput>): Promise<string> => {
      const { id } = await channels.create(channelInput({ baseUrl: upstream.url, keys, ...more }), 0)
      return id
    },
    /** Of an answer that is 200 and documented. */
    get: async (path: string): Promise<Record<string, unknown>> => {
      const { status, json, text } = await api.send('GET', path)
      assert.equal(status, 200, text)
      return json
    },
  }
}

/** All that is told but the time it took. */
function withoutLatency(told: Record<string, unknown>): object {
  const { latency, ...rest } = told
  assert.ok(Number.isInteger(latency) && Number(latency) >= 0)
  return rest
}

test('an upstream is healthy that answers, with whatever status, and is not shown the key', async (t) => {
  const { get, create, upstream } = await start(t)
  for (const [name, status] of Object.entries({ fine: 200, closed: 401, broken: 503 })) {
    upstream.reset()
    upstream.behave({ status })
    const id = await create({ name, baseUrl: `${upstream.url}/base` })
    assert.deepEqual(withoutLatency(await get(`/api/channels/${id}/ping`)), { success: true, status: 'healthy' }, name)
    const seen = upstream.calls.map(({ method, path, headers }) => [method, path, headers['x-api-key']])
    assert.deepEqual(seen, [['HEAD', '/base', undefined]], name)
  }
})

test('an upstream that cannot be reached is in error, with the reason', async (t) => {
  const { get, create } = await start(t)
  const reasons: Readonly<Record<string, RegExp>> = {
    [`http://127.0.0.1:${await freePort()}`]: /connection refused/,
    'http://169.254.169.254/latest': /metadata service/,
    'not a URL': /base URL/,
  }
  for (const [baseUrl, reason] of Object.entries(reasons)) {
    const id = await create({ name: baseUrl, baseUrl })
    const { error, ...told } = await get(`/api/channels/${id}/ping`)
    assert.deepEqual(withoutLatency(told), { success: false, status: 'error' }, baseUrl)
    assert.match(String(error), reason)
  }
})

testEngines('all upstreams of a pool are pinged, each for itself, in their order', async (t, store) => {
  const { api, create } = await start(t, store)
  const chat = { pool: 'chat', serviceType: 'openai_chat' } as const
  const ids = [
    await create({ ...chat, name: 'bad', baseUrl: `http://127.0.0.1:${await freePort()}` }),
    await create({ ...chat, name: 'good' }),
  ]
  await create({ ...chat, name: 'mix', serviceType: 'composite', baseUrl: '', keys: [] })
  await create({ name: 'elsewhere' })
  const { status, text } = await api.send('GET', '/api/channels/ping?pool=chat')
  assert.equal(status, 200)
  const told = JSON.parse(text) as readonly Record<string, unknown>[] // safe: held against the document
  assert.deepEqual(told.map(withoutLatency), [
    { id: ids[0], name: 'bad', status: 'error', error: 'Upstream request failed: connection refused' },
    { id: ids[1], name: 'good', status: 'healthy' },
  ])
})

test('not more upstreams are asked at once than is bearable, and none is forgotten', async (t) => {
  const store = await openDatabase(t)
  const all = Array.from({ length: 100 }, (_, nth) => aChannel(`c${nth}`))
  let running = 0
  let most = 0
  const operations = channelProbeOperations({
    channels: channelsIn(store.database),
    environment: all,
    async ping({ id }) {
      running += 1
      most = Math.max(most, running)
      for (let turn = id === 'c0' ? 10 : 1; turn > 0; turn--) await new Promise(setImmediate) // the first is the last
      running -= 1
    },
    upstreamModels: () => assert.fail('nobody asks'),
  })
  const api = await startAdminApi(t, store, { operations })
  const { text } = await api.send('GET', '/api/channels/ping')
  const told = JSON.parse(text) as readonly { readonly id: string }[] // safe: held against the document
  assert.deepEqual(
    told.map(({ id }) => id),
    all.map(({ id }) => id),
  )
  assert.equal(most, 32)
})

test('the models of an upstream are asked for as its callers would ask, with the first key', async (t) => {
  const { get, create, upstream } = await start(t)
  const claude = await create({ name: 'claude', headerPolicy: { remove: [], set: { 'x-title': 'Tollgate' } } })
  const openai = { pool: 'chat', serviceType: 'openai_chat', baseUrl: `${upstream.url}/v1` } as const
  const chat = await create({ name: 'chat', ...openai })
  for (const id of [claude, chat]) {
    assert.deepEqual(await get(`/api/channels/${id}/models`), { success: true, models: ['claude-a', 'claude-b'] })
  }
  assert.deepEqual(
    upstream.calls.map(({ method, path, query, headers }) => [
      method,
      path + query,
      headers['x-api-key'] ?? headers['authorization'],
      headers['anthropic-version'],
      headers['x-title'],
    ]),
    [
      ['GET', '/v1/models?limit=1000', SECRET, '2023-06-01', 'Tollgate'],
      ['GET', '/v1/models', `Bearer ${SECRET}`, undefined, undefined],
    ],
  )
})

test('why an upstream lists no models is told without what it said', async (t) => {
  const { api, get, create, upstream } = await start(t)
  const id = await create({ name: 'claude' })
  const plans = [
    [{ status: 401, error: { message: `wrong key ${SECRET}` } }, 'The upstream answered 401.'],
    [{ status: 302, headers: { location: 'http://169.254.169.254' } }, 'The upstream answered 302.'],
    [{ html: true }, 'The upstream answered with something that is no list of models.'],
    [{ rawBody: 'null' }, 'The upstream answered with something that is no list of models.'],
    [{ rawBody: '{"data":{}}' }, 'The upstream answered with something that is no list of models.'],
    [{ rawBody: ' '.repeat(1024 * 1024 + 1) }, 'The upstream answered with more than 1048576 bytes.'],
    [{ hangUp: true }, 'The upstream broke off its answer; try again.'],
  ] as const
  for (const [plan, error] of plans) {
    upstream.behave(plan)
    assert.deepEqual(await get(`/api/channels/${id}/models`), { success: false, error })
  }
  upstream.behave({ rawBody: '{"data":[{"id":"a"},null,{"id":7},"b",{"id":"c"}]}' })
  assert.deepEqual(await get(`/api/channels/${id}/models`), { success: true, models: ['a', 'c'] })
  const bare = await create({ name: 'bare', keys: [] })
  const { error } = await get(`/api/channels/${bare}/models`)
  assert.equal(error, 'The channel has no key to ask with.')
  assert.ok(!JSON.stringify(await api.audited()).includes(SECRET))
})

test('who has no upstream, or none that lists models, is not asked', async (t) => {
  const { api, create, upstream } = await start(t)
  const composite = await create({ name: 'mix', serviceType: 'composite', baseUrl: '', keys: [] })
  const search = await create({ name: 'brave', pool: 'search', serviceType: 'brave' })
  const refused: readonly (readonly [path: string, status: number])[] = [
    [`/api/channels/${composite}/ping`, 400],
    [`/api/channels/${composite}/models`, 400],
    [`/api/channels/${search}/models`, 400],
    ['/api/channels/00000000/ping', 404],
    ['/api/channels/00000000/models', 404],
    ['/api/channels/ping?pool=none', 400],
    ['/api/channels/ping?poll=chat', 400],
  ]
  for (const [path, status] of refused) assert.equal((await api.send('GET', path)).status, status, path)
  assert.equal(upstream.calls.length, 0)
})

test('calls of people who are no administrators reach no upstream', async (t) => {
  const { api, create, upstream } = await start(t)
  const id = await create({ name: 'claude' })
  for (const path of ['/api/channels/ping', `/api/channels/${id}/ping`, `/api/channels/${id}/models`]) {
    for (const key of ['user', 'tenant']) assert.equal((await api.send('GET', path, { key })).status, 403, path)
  }
  assert.equal(upstream.calls.length, 0)
})
