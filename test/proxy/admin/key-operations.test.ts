import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashSecret } from '../../../proxy/auth/secret.ts'
import { type AdminApi, NOW, startAdminApi } from '../../support/admin-api.ts'
import { openDatabase, testEngines } from '../../support/database.ts'
import { withTenants } from '../../support/tenants.ts'

const WHOLE = {
  name: 'whole',
  description: 'of the build',
  tenantId: 'tenant-2',
  isTenantAdmin: true,
  model: 'glm-4.7',
  tokenLimit: 1000,
  rpm: 60,
  rateLimitRpm: 60,
  budget5hUsd: '0.000000001',
  budgetDayUsd: '2.50',
  budgetMonthUsd: '8999999.00',
  budgetIsCalendar: true,
  allowedEndpoints: ['messages', 'files/*'],
  allowedModels: ['claude-*', '!claude-2'],
  allowedChannels: ['0a1b2c3d', 'env-openai'],
  expiresAt: '2031-01-01T00:00:00.000Z',
}

async function create(api: AdminApi, body: object): Promise<Record<string, unknown>> {
  const { status, json, text } = await api.send('POST', '/api/keys', { body })
  assert.equal(status, 201, text)
  return json
}

async function names(api: AdminApi, query = ''): Promise<readonly string[]> {
  const { status, json, text } = await api.send('GET', `/api/keys${query}`)
  assert.equal(status, 200, text)
  return (json['keys'] as readonly { readonly name: string }[]).map(({ name }) => name) // safe: held against the document
}

testEngines('a key is shown as it was made, and its secret only when it is made', async (t, store) => {
  await withTenants(store)
  const api = await startAdminApi(t, store)
  const { key, ...made } = await create(api, WHOLE)
  assert.match(String(key), /^tg_[A-Za-z0-9]{40}$/)
  assert.deepEqual(made, {
    ...WHOLE,
    id: made['id'],
    prefix: String(key).slice(0, 10),
    keyPrefix: `${String(key).slice(0, 10)}...`,
    status: 'active',
    isAdmin: false,
    tenant: 'other',
    previousUntil: null,
    createdAt: new Date(NOW).toISOString(),
    updatedAt: new Date(NOW).toISOString(),
    resetAt: null,
    lastUsedAt: null,
    lifetimeTokens: 0,
  })
  const { json, text, headers } = await api.send('GET', `/api/keys/${String(made['id'])}`)
  assert.deepEqual(json, made)
  assert.match(headers.etag ?? '', /^"\d+"$/)
  const list = await api.send('GET', '/api/keys')
  assert.ok(!(text + list.text + JSON.stringify(await api.audited())).includes(String(key)))
  const [row] = await store.query<{ hash: string }>('SELECT hash FROM api_keys WHERE id = $1', String(made['id']))
  assert.equal(row?.hash, hashSecret(String(key)))
})

testEngines('what is left out of a change stays, and the audit log tells what differs', async (t, store) => {
  await withTenants(store)
  const api = await startAdminApi(t, store)
  const { key: _, ...before } = await create(api, WHOLE)
  const path = `/api/keys/${String(before['id'])}`
  const changes: readonly (readonly [body: object, differs: object])[] = [
    [{ name: ' new ' }, { name: 'new' }],
    [{ rateLimitRpm: 0 }, { rpm: null, rateLimitRpm: 0 }],
    [{ rpm: 5 }, { rpm: 5, rateLimitRpm: 5 }],
    [{ budgetDayUsd: 0.1 }, { budgetDayUsd: '0.10' }],
    [
      { budgetMonthUsd: null, tokenLimit: null },
      { budgetMonthUsd: null, tokenLimit: null },
    ],
    [
      { allowedModels: [], allowedEndpoints: [], allowedChannels: null },
      { allowedModels: null, allowedEndpoints: null, allowedChannels: null },
    ],
    [
      { isTenantAdmin: false, tenantId: null },
      { isTenantAdmin: false, tenantId: null, tenant: null },
    ],
    [{}, {}],
  ]
  const expected = { ...before }
  for (const [body, differs] of changes) {
    const { status, json, text } = await api.send('PUT', path, { body })
    assert.equal(status, 200, text)
    const last = (await api.audited()).at(-1)
    assert.deepEqual(JSON.parse(last?.after ?? ''), differs)
    assert.deepEqual(
      JSON.parse(last?.before ?? ''),
      Object.fromEntries(Object.keys(differs).map((name) => [name, expected[name]])),
    )
    Object.assign(expected, differs)
    assert.deepEqual(json, expected)
  }
  assert.deepEqual((await api.send('GET', path)).json, expected)
})

testEngines('keys are listed by what they are, in pages', async (t, store) => {
  const { makeKey } = await withTenants(store)
  const api = await startAdminApi(t, store)
  const gone = await makeKey('Gone', { tenantId: 'tenant-2' })
  await makeKey('over', { model: 'glm-4.7', expiresAt: NOW })
  await api.send('POST', `/api/keys/${gone}/revoke`)
  const own = ['lead', 'Gone', 'over']
  const lists: readonly (readonly [query: string, listed: readonly string[]])[] = [
    ['?model=glm-4.7', ['over']],
    ['?state=expired', ['over']],
    ['?state=revoked', ['Gone']],
    ['?state=disabled', []],
    ['?tenant=tenant-1', ['lead']],
    ['?tenant=other', ['Gone']],
    ['?tenant=nobody', []],
    ['?search=gON', ['Gone']],
    ['?search=%25', []],
    ['?tenant=other&state=active', []],
  ]
  for (const [query, listed] of lists) assert.deepEqual(await names(api, query), listed, query)
  const all = await names(api)
  assert.deepEqual(all.filter((name) => own.includes(name)).toSorted(), own.toSorted())
  const { json } = await api.send('GET', '/api/keys?limit=2&offset=2')
  const { keys, ...counted } = json
  assert.deepEqual((keys as readonly unknown[]).length, 2) // safe: held against the document
  assert.deepEqual(counted, { total: all.length, hasMore: true, limit: 2, offset: 2 })
  assert.equal((await api.send('GET', `/api/keys?offset=${all.length - 1}`)).json['hasMore'], false)
})

testEngines('a key is not made of what contradicts itself or is not there', async (t, store) => {
  await withTenants(store)
  const api = await startAdminApi(t, store)
  const before = await names(api)
  const refused: readonly (readonly [body: object, field: string])[] = [
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'x', tenantId: 'nobody' }, 'tenantId'],
    [{ name: 'x', tenantId: 'acme' }, 'tenantId'], // that is its name
    [{ name: 'x', isTenantAdmin: true }, 'isTenantAdmin'],
    [{ name: 'x', isTenantAdmin: true, tenantId: 'tenant-1', isAdmin: true }, 'isTenantAdmin'],
    [{ name: 'x', rpm: 5, rateLimitRpm: 6 }, 'rateLimitRpm'],
    [{ name: 'x', rpm: 0 }, 'rpm'],
    [{ name: 'x', tokenLimit: 1.5 }, 'tokenLimit'],
    [{ name: 'x', budgetDayUsd: '0' }, 'budgetDayUsd'],
    [{ name: 'x', budgetDayUsd: -1 }, 'budgetDayUsd'],
    [{ name: 'x', budgetDayUsd: 1e10 }, 'budgetDayUsd'],
    [{ name: 'x', allowedEndpoints: ['*files'] }, 'allowedEndpoints.0'],
    [{ name: 'x', allowedModels: [''] }, 'allowedModels.0'],
    [{ name: 'x', allowedChannels: ['../x'] }, 'allowedChannels.0'],
    [{ name: 'x', expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ name: 'x', expiresAt: '2001-01-01T00:00:00Z' }, 'expiresAt'],
    [{ name: 'x', status: 'revoked' }, 'status'],
    [{ name: 'x', key: 'tg_of_my_own' }, 'key'],
  ]
  for (const [body, field] of refused) {
    const { status, json, text } = await api.send('POST', '/api/keys', { body })
    const [detail] = json['details'] as readonly { readonly field: string }[] // safe: held against the document
    assert.deepEqual([status, json['code'], detail?.field], [400, 'request_invalid', field], text)
  }
  const { json } = await api.send('POST', '/api/keys', { body: {} })
  assert.deepEqual(json['details'], [{ field: 'name', message: 'This field is missing.' }])
  assert.deepEqual(await names(api), before)
})

test('who administrates all is said when a key is made, and never changed', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const { id, isAdmin } = await create(api, { name: 'root-2', isAdmin: true })
  assert.equal(isAdmin, true)
  const { status, json } = await api.send('PUT', `/api/keys/${String(id)}`, { body: { isAdmin: false } })
  assert.deepEqual([status, json['details']], [400, [{ field: 'isAdmin', message: 'This field is not known here.' }]])
})

testEngines('no two keys that are not revoked share a name', async (t, store) => {
  const api = await startAdminApi(t, store)
  const { id } = await create(api, { name: 'ci' })
  const other = await create(api, { name: 'other' })
  for (const [method, path, body] of [
    ['POST', '/api/keys', { name: 'ci' }],
    ['PUT', `/api/keys/${String(other['id'])}`, { name: 'ci' }],
  ] as const) {
    const { status, json } = await api.send(method, path, { body })
    assert.deepEqual([status, json['code']], [409, 'conflict'], method)
  }
  await api.send('DELETE', `/api/keys/${String(id)}`)
  await create(api, { name: 'ci' })
})

testEngines(
  'a key that is not there is not found, and one that only has that name is another one',
  async (t, store) => {
    const api = await startAdminApi(t, store)
    await create(api, { name: 'ci' })
    for (const [method, path] of [
      ['GET', '/api/keys/ci'],
      ['PUT', '/api/keys/ci'],
      ['DELETE', '/api/keys/ci'],
      ['POST', '/api/keys/ci/rotate'],
      ['POST', '/api/keys/ci/reset'],
    ] as const) {
      const { status, json } = await api.send(method, path, method === 'PUT' ? { body: {} } : {})
      assert.deepEqual([status, json['code']], [404, 'not_found'], `${method} ${path}`)
    }
  },
)
