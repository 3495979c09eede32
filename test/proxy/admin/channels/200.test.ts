import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSuspensionStore } from '../../../../proxy/store/suspensions.ts'
import { type AdminApi, NOW, startAdminApi } from '../../../support/admin-api.ts'
import { channelsIn } from '../../../support/channels.ts'
import { openDatabase, testEngines } from '../../../support/database.ts'

const SECRET = 'sk-ant-0123456789-abcdefgh'
const WHOLE = {
  pool: 'chat',
  name: 'whole',
  serviceType: 'openai_chat',
  baseUrl: 'https://api.example/v1/',
  website: 'https://example.com/',
  description: 'two\nlines',
  status: 'disabled',
  priority: 7,
  models: ['gpt-*', '!gpt-4'],
  keyLoadBalance: 'random',
  modelMapping: { opus: 'gpt-9(high)' },
  priceMultipliers: {
    _default: { inputMultiplier: 0.8, outputMultiplier: 2, cacheCreationMultiplier: 1, cacheReadMultiplier: 1 },
  },
  contentFilter: { enabled: false, rules: [{ keyword: 'busy', statusCode: 503 }] },
  headerPolicy: { remove: ['user-agent'], set: { 'x-title': 'Tollgate' } },
  quotaType: 'credit',
  quotaLimit: 12.345678901,
  quotaModels: ['gpt'],
  quotaResetMode: 'rolling',
  quotaResetAt: '2030-01-05T00:00:00.000Z',
  quotaResetInterval: 2,
  quotaResetUnit: 'weeks',
  rateLimitRpm: 60,
  queueEnabled: true,
  queueTimeout: 2.5,
  connectTimeout: 0.25,
  responseHeaderTimeout: 120,
  idleTimeout: null,
  insecureSkipVerify: true,
  tlsAuthorities: null,
} as const

type Shown = Readonly<Record<string, unknown>> & {
  readonly id: string
  readonly maskedKeys: readonly { readonly id: string; readonly masked: string }[]
}

async function create(api: AdminApi, body: object): Promise<string> {
  const { status, json, text } = await api.send('POST', '/api/channels', { body })
  assert.equal(status, 201, text)
  return String(json['id'])
}

async function list(api: AdminApi, query = ''): Promise<readonly Shown[]> {
  const { json } = await api.send('GET', `/api/channels${query}`)
  return json['channels'] as readonly Shown[] // safe: held against the document
}

async function get(api: AdminApi, id: string): Promise<Shown> {
  const { status, json, text } = await api.send('GET', `/api/channels/${id}`)
  assert.equal(status, 200, text)
  return json as Shown // safe: held against the document
}

const plain = (name: string, more: object = {}): object => ({
  pool: 'messages',
  name,
  serviceType: 'claude',
  baseUrl: 'https://api.example',
  ...more,
})

testEngines('a channel is shown as it was made, but for its secrets', async (t, store) => {
  const api = await startAdminApi(t, store)
  const oauth = { tokenUrl: 'https://auth.example/token', clientId: 'c', refreshToken: 'rt-secret' }
  const { status, text, json } = await api.send('POST', '/api/channels', {
    body: { ...WHOLE, apiKeys: [SECRET, 'short'], oauth },
  })
  assert.equal(status, 201)
  assert.deepEqual(json, { success: true, message: 'Channel created', id: json['id'], index: 0 })
  assert.match(String(json['id']), /^[0-9a-f]{8}$/)
  const shown = await get(api, String(json['id']))
  const { maskedKeys, ...rest } = shown
  assert.deepEqual(rest, {
    ...WHOLE,
    baseUrl: 'https://api.example/v1',
    id: json['id'],
    index: 0,
    compositeMappings: [],
    fault: null,
    isReadOnly: false,
    promotionUntil: null,
    suspendedUntil: null,
    suspensionReason: null,
    apiKeyCount: 2,
    oauth: { tokenUrl: oauth.tokenUrl, clientId: 'c', scope: null, expiresAt: null },
  })
  assert.deepEqual(
    maskedKeys.map(({ masked }) => masked),
    ['sk-ant-0***efgh', '********'],
  )
  const everything = text + JSON.stringify(shown) + JSON.stringify(await api.audited())
  for (const secret of [SECRET, 'short', 'rt-secret']) assert.ok(!everything.includes(secret), secret)
  const [kept] = await channelsIn(store.database).list()
  assert.deepEqual(
    [kept?.keys.map(({ secret }) => secret), kept?.oauth?.refreshToken, kept?.quota?.limit, kept?.timeouts],
    [[SECRET, 'short'], 'rt-secret', 12_345_678_901, { connectMs: 250, firstByteMs: 120_000, idleMs: null }],
  )
})

test('what is shown of a channel can be sent back, and changes nothing', async (t) => {
  const store = await openDatabase(t)
  const api = await startAdminApi(t, store)
  const ids = [await create(api, WHOLE), await create(api, plain('bare'))]
  for (const id of ids) {
    const before = await get(api, id)
    const {
      index: _i,
      id: _id,
      pool: _p,
      fault: _f,
      isReadOnly: _r,
      promotionUntil: _u,
      suspendedUntil: _s,
      suspensionReason: _sr,
      apiKeyCount: _c,
      maskedKeys: _m,
      oauth: _o,
      ...body
    } = before
    const { status, text } = await api.send('PUT', `/api/channels/${id}`, { body })
    assert.equal(status, 200, text)
    assert.deepEqual(await get(api, id), before)
  }
})

testEngines('a change leaves what it does not name', async (t, store) => {
  const api = await startAdminApi(t, store)
  const id = await create(api, { ...WHOLE, apiKeys: [SECRET] })
  const before = await get(api, id)
  const changes: readonly (readonly [body: object, differs: object])[] = [
    [{ name: ' new name ' }, { name: 'new name' }],
    [{ quotaLimit: 5 }, { quotaLimit: 5 }],
    [{ queueTimeout: 9 }, { queueTimeout: 9 }],
    [{ idleTimeout: 1 }, { idleTimeout: 1 }],
    [{ queueEnabled: false }, { queueEnabled: false, queueTimeout: null }],
    [
      { quotaResetAt: null },
      { quotaResetAt: null, quotaResetMode: null, quotaResetInterval: null, quotaResetUnit: null },
    ],
    [{ quotaType: null }, { quotaType: null, quotaLimit: null, quotaModels: [] }],
    [{}, {}],
  ]
  const expected = { ...before }
  for (const [body, differs] of changes) {
    const { status, json, text } = await api.send('PUT', `/api/channels/${id}`, { body })
    assert.deepEqual([status, json], [200, { success: true, message: 'Channel updated' }], text)
    Object.assign(expected, differs)
    assert.deepEqual(await get(api, id), expected, JSON.stringify(body))
  }
  const line = (await api.audited()).find(({ operation }) => operation === 'updateChannel')
  assert.deepEqual([line?.target, line?.before, line?.after], [id, '{"name":"whole"}', '{"name":"new name"}'])
})

test('channels are listed by pool and place, and those of the environment last and for reading only', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const [one, two] = [await create(api, plain('one')), await create(api, plain('two'))]
  const chat = await create(api, { ...WHOLE, name: 'one' })
  const all = await list(api)
  assert.deepEqual(
    all.map(({ id, index, isReadOnly }) => [id, index, isReadOnly]),
    [
      [chat, 0, false],
      [one, 0, false],
      [two, 1, false],
      ['env-anthropic-messages', 0, true],
    ],
  )
  const ids = async (pool: string): Promise<string[]> => (await list(api, `?pool=${pool}`)).map(({ id }) => id)
  assert.deepEqual([await ids('chat'), await ids('search')], [[chat], []])
  assert.equal((await get(api, 'env-anthropic-messages'))['isReadOnly'], true)
  assert.ok(!JSON.stringify(all).includes('sk-ant-of-the-environment'))
})

test('channels are put into an order, a status, a promotion, and out of a suspension', async (t) => {
  const store = await openDatabase(t)
  const api = await startAdminApi(t, store)
  const [one, two] = [await create(api, plain('one')), await create(api, plain('two'))]
  const reordered = await api.send('POST', '/api/channels/reorder', { body: { pool: 'messages', order: [two, one] } })
  assert.deepEqual([reordered.status, reordered.json['success']], [200, true])
  assert.deepEqual([(await get(api, one))['index'], (await get(api, two))['index']], [1, 0])

  await api.send('PATCH', `/api/channels/${one}/status`, { body: { status: 'suspended' } })
  assert.equal((await get(api, one))['status'], 'suspended')
  await createSuspensionStore(store.database).suspend(one, NOW + 60_000, 'QUOTA_EXHAUSTED', NOW)
  const suspended = await get(api, one)
  assert.deepEqual(
    [suspended['suspendedUntil'], suspended['suspensionReason']],
    ['2030-01-02T00:01:00.000Z', 'QUOTA_EXHAUSTED'],
  )
  const resumed = await api.send('POST', `/api/channels/${one}/resume`)
  assert.deepEqual([resumed.status, resumed.json['success']], [200, true])
  const after = await get(api, one)
  assert.deepEqual([after['status'], after['suspendedUntil']], ['active', null])

  const promoted = await api.send('POST', `/api/channels/${one}/promotion`, { body: { duration: 300 } })
  assert.deepEqual(promoted.json, { success: true, message: 'Channel promoted', duration: 300 })
  assert.equal((await get(api, one))['promotionUntil'], '2030-01-02T00:05:00.000Z')
  await api.send('POST', `/api/channels/${two}/promotion`, { body: { duration: 60 } })
  assert.equal((await get(api, one))['promotionUntil'], null)
  const ended = await api.send('POST', `/api/channels/${two}/promotion`, { body: { duration: 0 } })
  assert.deepEqual(ended.json, { success: true, message: 'Promotion ended' })
  assert.equal((await get(api, two))['promotionUntil'], null)
})

testEngines('keys are added, moved and removed by their ids', async (t, store) => {
  const api = await startAdminApi(t, store)
  const id = await create(api, plain('one'))
  const added = await api.send('POST', `/api/channels/${id}/keys`, { body: { apiKeys: ['first', SECRET, 'first'] } })
  assert.deepEqual([added.status, added.json['added']], [201, 2])
  const again = await api.send('POST', `/api/channels/${id}/keys`, { body: { apiKeys: [SECRET] } })
  assert.equal(again.json['added'], 0)
  const keys = async (): Promise<readonly { readonly id: string; readonly masked: string }[]> => {
    const { json } = await api.send('GET', `/api/channels/${id}/keys`)
    return json['keys'] as readonly { id: string; masked: string }[] // safe: held against the document
  }
  const [first, second] = await keys()
  assert.equal(second?.masked, 'sk-ant-0***efgh')
  await api.send('POST', `/api/channels/${id}/keys/${second?.id}/top`)
  assert.deepEqual(
    (await keys()).map((key) => key.id),
    [second?.id, first?.id],
  )
  await api.send('POST', `/api/channels/${id}/keys/${second?.id}/bottom`)
  assert.deepEqual(
    (await keys()).map((key) => key.id),
    [first?.id, second?.id],
  )
  assert.equal((await api.send('DELETE', `/api/channels/${id}/keys/${first?.id}`)).status, 200)
  assert.deepEqual(
    (await keys()).map((key) => key.id),
    [second?.id],
  )
  assert.ok(!JSON.stringify(await api.audited()).includes(SECRET))
})

test('a composite is made of other channels, with their ids in order', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const [one, two] = [await create(api, plain('one')), await create(api, plain('two'))]
  const compositeMappings = [
    { pattern: 'haiku', targetChannelId: two, failoverTargets: [{ channelId: one }], targetModel: 'small' },
    { pattern: 'opus', targetChannelId: one, failoverTargets: [], targetModel: null },
  ]
  const id = await create(api, { pool: 'messages', name: 'all', serviceType: 'composite', compositeMappings })
  assert.deepEqual((await get(api, id))['compositeMappings'], compositeMappings)
})

test('a channel that is removed is gone, with what it had been in the audit log', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const id = await create(api, plain('one', { apiKeys: [SECRET] }))
  const { status, json } = await api.send('DELETE', `/api/channels/${id}`)
  assert.deepEqual([status, json['success']], [200, true])
  assert.equal((await api.send('GET', `/api/channels/${id}`)).status, 404)
  const line = (await api.audited()).find(({ operation }) => operation === 'deleteChannel')
  assert.match(line?.before ?? '', /"name":"one"/)
  assert.ok(!line?.before?.includes(SECRET))
})
