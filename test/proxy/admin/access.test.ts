import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAdminApi } from '../../support/admin-api.ts'
import { openDatabase, testEngines } from '../../support/database.ts'
import { LEAD, withTenants } from '../../support/tenants.ts'

/** Who may call what. Every operation is decided about here, once: one that is not, fails. */
const decisions: Readonly<Record<'public' | 'tenant' | 'admin', readonly RegExp[]>> = {
  public: [/^GET \/openapi\.json$/],
  tenant: [
    /^(GET|POST) \/api\/keys$/,
    /^(GET|PUT|DELETE) \/api\/keys\/\{id\}$/,
    /^POST \/api\/keys\/\{id\}\/\w+$/,
    /^GET \/api\/(tenants|keys)\/\{id\}\/usage$/,
    /^GET \/api\/tenants(\/\{id\})?$/,
    /^GET \/api\/logs(\/\{id\}|\/stats(\/daily|\/history)?|\/sessions\/active)?$/,
  ],
  admin: [
    /^(POST|PUT|DELETE) \/api\/tenants(\/\{id\}(\/reset)?)?$/,
    /^\w+ \/api\/channels(\/|$)/,
    /^\w+ \/api\/pricing(\/|$)/,
    /^\w+ \/api\/config(\/|$)/,
    /^\w+ \/api\/ratelimit(\/|$)/,
    /^\w+ \/api\/(model-)?aliases(\/|$)/,
    /^GET \/api\/(audit|health\/details)$/,
    /^(DELETE \/api\/logs|POST \/api\/logs\/.+|GET \/api\/logs\/stream)$/,
    /^\w+ \/api\/logs\/(\{id\}\/debug|debug(\/\w+)?)$/,
  ],
}

const callers = [null, 'nobody', 'user', 'tenant', 'admin'] as const
const statuses = {
  public: [400, 400, 400, 400, 400],
  tenant: [401, 401, 403, 400, 400],
  admin: [401, 401, 403, 403, 400],
} as const

test('every operation is open to whom it was decided to be, and to nobody else', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  for (const { id, method, path, access } of api.operations) {
    const decided = Object.entries(decisions).filter(([, patterns]) =>
      patterns.some((pattern) => pattern.test(`${method} ${path}`)),
    )
    assert.deepEqual(
      decided.map(([who]) => who),
      [access],
      `who may call ${id} is decided here: ${method} ${path}`,
    )
    // What no operation knows is refused, but only to those who are let in; so nothing is done.
    const place = `${path.replaceAll(/\{\w+\}/g, 'abcd0123')}?nothing=known`
    const seen: number[] = []
    for (const key of callers) {
      const { status } = await api.send(method, place, { key, ...(method !== 'GET' && { body: {} }) })
      seen.push(status)
    }
    assert.deepEqual(seen, statuses[access], id)
  }
})

testEngines(
  'the key of a tenant’s administrator sees the keys of its tenant, whatever it asks for',
  async (t, store) => {
    const { makeKey } = await withTenants(store)
    const own = await makeKey('own', { tenantId: 'tenant-1' })
    const foreign = await makeKey('foreign', { tenantId: 'tenant-2' })
    const api = await startAdminApi(t, store)
    for (const query of ['', '?tenant=tenant-2', '?tenant=other', '?tenant=nobody', '?state=active&limit=1000']) {
      const { json } = await api.send('GET', `/api/keys${query}`, { key: 'tenant' })
      const keys = json['keys'] as readonly { readonly id: string }[] // safe: held against the document
      assert.deepEqual([keys.map(({ id }) => id).toSorted(), json['total']], [[LEAD, own].toSorted(), 2], query)
    }
    assert.deepEqual((await api.send('GET', '/api/keys?search=foreign', { key: 'tenant' })).json['keys'], [])
    assert.equal((await api.send('GET', `/api/keys/${own}`, { key: 'tenant' })).json['name'], 'own')
    for (const id of [foreign, '01JGF0000000000000000000NO']) {
      assert.equal((await api.send('GET', `/api/keys/${id}`, { key: 'tenant' })).status, 404)
    }
    const tenants = await api.send('GET', '/api/tenants', { key: 'tenant' })
    assert.deepEqual(
      (tenants.json['tenants'] as readonly { readonly id: string }[]).map(({ id }) => id),
      ['tenant-1'],
    ) // safe: held against the document
    assert.equal((await api.send('GET', '/api/tenants/tenant-1', { key: 'tenant' })).status, 200)
    assert.equal((await api.send('GET', '/api/tenants/tenant-2', { key: 'tenant' })).status, 404)
  },
)

const writes: readonly (readonly [method: string, path: string])[] = [
  ['PUT', ''],
  ['POST', '/rotate'],
  ['POST', '/disable'],
  ['POST', '/enable'],
  ['POST', '/reset'],
  ['POST', '/revoke'],
  ['DELETE', ''],
]

testEngines(
  'it does everything with the keys of its tenant that administrate nothing, and with no others',
  async (t, store) => {
    const { makeKey } = await withTenants(store)
    const api = await startAdminApi(t, store)
    const all = async (): Promise<string> => (await api.send('GET', '/api/keys')).text
    const ids = {
      foreign: await makeKey('foreign', { tenantId: 'tenant-2' }),
      nobodys: await makeKey('nobodys'),
      admin: await makeKey('admin', { tenantId: 'tenant-1', isAdmin: true }),
      second: await makeKey('second', { tenantId: 'tenant-1', isTenantAdmin: true }),
      lead: LEAD,
    }
    const before = await all()
    for (const [id, status, code] of [
      [ids.foreign, 404, 'not_found'],
      [ids.nobodys, 404, 'not_found'],
      [ids.admin, 403, 'admin_required'],
      [ids.second, 403, 'admin_required'],
      [ids.lead, 403, 'admin_required'],
    ] as const) {
      for (const [method, path] of writes) {
        if (id === LEAD && path === '/rotate') continue
        const body = { ...(method === 'PUT' && { rpm: null }) }
        const answer = await api.send(method, `/api/keys/${id}${path}`, { key: 'tenant', body })
        assert.deepEqual([answer.status, answer.json['code']], [status, code], `${method} ${path} ${id}`)
      }
    }
    assert.equal(await all(), before)
    const rotated = await api.send('POST', `/api/keys/${LEAD}/rotate`, { key: 'tenant' })
    assert.match(String(rotated.json['key']), /^tg_/)
    for (const [method, path] of writes) {
      const id = await makeKey(`plain ${method} ${path}`, { tenantId: 'tenant-1' })
      const { status, text } = await api.send(method, `/api/keys/${id}${path}`, { key: 'tenant', body: {} })
      assert.equal(status, 200, text)
    }
    const line = (await api.audited()).at(-1)
    assert.deepEqual([line?.actor, line?.operation, line?.httpStatus], ['lead', 'deleteKey', 200])
  },
)

testEngines('the keys that it makes belong to its tenant and may use what it may use itself', async (t, store) => {
  const grant = { allowedModels: ['claude-*'], allowedChannels: ['0a1b2c3d'], allowedEndpoints: ['messages'] }
  const { makeKey } = await withTenants(store, grant)
  const api = await startAdminApi(t, store)
  const made = await api.send('POST', '/api/keys', {
    key: 'tenant',
    body: {
      name: 'one',
      tenantId: 'tenant-1',
      isAdmin: false,
      isTenantAdmin: false,
      rpm: 5,
      allowedModels: ['claude-opus-*'],
    },
  })
  assert.equal(made.status, 201, made.text)
  const { tenantId, rpm, allowedModels, allowedChannels, allowedEndpoints } = made.json
  assert.deepEqual(
    { tenantId, rpm, allowedModels, allowedChannels, allowedEndpoints },
    { tenantId: 'tenant-1', rpm: 5, ...grant, allowedModels: ['claude-opus-*'] },
  )
  const wider = await makeKey('wider', { tenantId: 'tenant-1' })
  const before = (await api.send('GET', '/api/keys')).text
  const refused = [
    { isAdmin: true },
    { isTenantAdmin: true },
    { tenantId: 'tenant-2' },
    { tenantId: 'nobody' },
    { tenantId: null },
    { allowedModels: ['*'] },
    { allowedModels: [] },
    { allowedChannels: null },
    { allowedEndpoints: ['files/*'] },
  ]
  for (const fields of refused) {
    const body = { name: 'two', ...fields }
    const { status, json } = await api.send('POST', '/api/keys', { key: 'tenant', body })
    assert.deepEqual([status, json['code']], [403, 'admin_required'], JSON.stringify(fields))
    if ('isAdmin' in fields) continue
    const change = await api.send('PUT', `/api/keys/${String(made.json['id'])}`, { key: 'tenant', body: fields })
    assert.deepEqual([change.status, change.json['code']], [403, 'admin_required'], JSON.stringify(fields))
  }
  assert.equal((await api.send('GET', '/api/keys')).text, before)
  const change = await api.send('PUT', `/api/keys/${wider}`, { key: 'tenant', body: { rpm: 5, allowedModels: null } })
  assert.deepEqual([change.status, change.json['rpm'], change.json['allowedModels']], [200, 5, null])
})
