import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAILOVER, STRATEGIES } from '../../../proxy/store/call-configuration.ts'
import { createSettingStore } from '../../../proxy/store/settings.ts'
import { startAdminApi } from '../../support/admin-api.ts'
import { openDatabase, testEngines } from '../../support/database.ts'

const rules = [
  { errorCodes: '429', actionChain: [{ action: 'retry', waitSeconds: 1.5, maxAttempts: 2 }, { action: 'failover' }] },
  { errorCodes: 'others', actionChain: [{ action: 'none' }] },
]

testEngines(
  'failover rules are those of the program until somebody sets others, and again after a reset',
  async (t, store) => {
    const api = await startAdminApi(t, store)
    const read = async () => (await api.send('GET', '/api/config/failover')).json
    const byDefault = await read()
    assert.match(JSON.stringify(byDefault), /"errorCodes":"429:QUOTA_EXHAUSTED"/)
    const { status } = await api.send('PUT', '/api/config/failover', { body: { rules, genericResourceWaitSeconds: 3 } })
    assert.equal(status, 200)
    assert.deepEqual(await read(), {
      rules: [
        {
          errorCodes: '429',
          actionChain: [
            { action: 'retry', waitSeconds: 1.5, maxAttempts: 2 },
            { action: 'failover', waitSeconds: 0, maxAttempts: 1 },
          ],
        },
        { errorCodes: 'others', actionChain: [{ action: 'none', waitSeconds: 0, maxAttempts: 1 }] },
      ],
      genericResourceWaitSeconds: 3,
      modelCooldownExtraSeconds: 1,
      modelCooldownMaxWaitSeconds: 60,
    })
    const kept = (await createSettingStore(store.database).get(FAILOVER)) as { resourceWaitSeconds: number } // safe: compared
    assert.equal(kept.resourceWaitSeconds, 3)
    assert.equal((await api.send('PUT', '/api/config/failover', { body: byDefault })).status, 200)
    assert.deepEqual(await read(), byDefault)
    assert.equal((await api.send('POST', '/api/config/failover/reset')).status, 200)
    assert.deepEqual(await read(), byDefault)
    assert.equal(await createSettingStore(store.database).get(FAILOVER), undefined)
  },
)

testEngines('how channels are picked is set for all pools', async (t, store) => {
  const api = await startAdminApi(t, store)
  const read = async () => (await api.send('GET', '/api/config/load-balance')).json
  const all = { messages: 'failover', responses: 'failover', chat: 'failover', search: 'failover' }
  assert.deepEqual(await read(), all)
  const after = { ...all, chat: 'random', messages: 'round-robin' }
  assert.equal((await api.send('PUT', '/api/config/load-balance', { body: after })).status, 200)
  assert.deepEqual(await read(), after)
  assert.deepEqual(await createSettingStore(store.database).get(STRATEGIES), after)
  const line = (await api.audited()).find(({ operation }) => operation === 'setLoadBalance')
  assert.deepEqual(
    [line?.target, JSON.parse(line?.before ?? ''), JSON.parse(line?.after ?? '')],
    ['load balance', all, after],
  )
})

testEngines('a setting that goes by an older configuration is refused', async (t, store) => {
  const api = await startAdminApi(t, store)
  const { headers } = await api.send('GET', '/api/config/failover')
  await api.send('PUT', '/api/config/failover', { body: { rules } })
  const before = (await api.send('GET', '/api/config/failover')).text
  const all = { messages: 'random', responses: 'random', chat: 'random', search: 'random' }
  for (const [method, path, body] of [
    ['PUT', '/api/config/failover', { rules: [] }],
    ['POST', '/api/config/failover/reset', {}],
    ['PUT', '/api/config/load-balance', all],
  ] as const) {
    const { status, json } = await api.send(method, path, { body, headers: { 'if-match': headers.etag ?? '' } })
    assert.deepEqual([status, json['code']], [409, 'revision_conflict'], path)
  }
  assert.equal((await api.send('GET', '/api/config/failover')).text, before)
})

test('rules that are none are refused with the place', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const chain = [{ action: 'failover' }]
  const refused: readonly (readonly [body: object, field: string, message: RegExp])[] = [
    [{ rules: [{ errorCodes: '429', actionChain: [] }] }, 'rules', /rule 1: its chain is empty/],
    [{ rules: [{ errorCodes: '200', actionChain: chain }] }, 'rules', /rule 1/],
    [{ rules: [{ errorCodes: '429,429', actionChain: chain }] }, 'rules', /429/],
    [{ rules: [{ errorCodes: '429', actionChain: [{ action: 'wait' }] }] }, 'rules.0.actionChain.0.action', /retry/],
    [
      { rules: [{ errorCodes: '429', actionChain: [{ action: 'retry', maxAttempts: 100 }] }] },
      'rules.0.actionChain.0.maxAttempts',
      /99/,
    ],
    [{ rules: [], enabled: true }, 'enabled', /known/],
    [{}, 'rules', /missing/],
  ]
  for (const [body, field, message] of refused) {
    const { status, json } = await api.send('PUT', '/api/config/failover', { body })
    const [detail] = json['details'] as readonly { readonly field: string; readonly message: string }[] // safe: held against the document
    assert.deepEqual([status, detail?.field], [400, field], JSON.stringify(body))
    assert.match(detail?.message ?? '', message)
  }
  const { status } = await api.send('PUT', '/api/config/load-balance', { body: { chat: 'random' } })
  assert.equal(status, 400)
})

testEngines('what is done to headers on the way to all channels is set, and read as it was', async (t, store) => {
  const api = await startAdminApi(t, store)
  const path = '/api/config/outbound-header-policy'
  assert.deepEqual((await api.send('GET', path)).json, { remove: [], set: {} })
  const { status } = await api.send('PUT', path, { body: { remove: ['X-Client-*'], set: { 'User-Agent': 'us/1' } } })
  assert.equal(status, 200)
  assert.deepEqual((await api.send('GET', path)).json, { remove: ['x-client-*'], set: { 'user-agent': 'us/1' } })
  const refused = await api.send('PUT', path, { body: { remove: ['*'], set: { authorization: 'Bearer x' } } })
  const details = refused.json['details'] as readonly { readonly field: string }[] // safe: held against the document
  assert.deepEqual([refused.status, details.map(({ field }) => field)], [400, ['remove.0', 'set.authorization']])
})
