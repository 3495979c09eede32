import assert from 'node:assert/strict'
import { hashSecret } from '../../../proxy/auth/secret.ts'
import { NOW, startAdminApi } from '../../support/admin-api.ts'
import { testEngines } from '../../support/database.ts'
import { withTenants } from '../../support/tenants.ts'

testEngines('a rotated key has a new secret, shown once, while the old one may go on', async (t, store) => {
  const { makeKey } = await withTenants(store)
  const api = await startAdminApi(t, store)
  const id = await makeKey('ci')
  const hashOf = async (column: string): Promise<unknown> =>
    (await store.query<Record<string, unknown>>(`SELECT ${column} FROM api_keys WHERE id = $1`, id))[0]?.[column]
  for (const [body, until] of [
    [{ overlapSeconds: 60 }, NOW + 60_000],
    [{}, null],
    [{ overlapSeconds: 30 * 86_400 }, NOW + 30 * 86_400_000],
  ] as const) {
    const old = await hashOf('hash')
    const { status, json, text } = await api.send('POST', `/api/keys/${id}/rotate`, { body })
    assert.equal(status, 200, text)
    assert.equal(json['previousUntil'], until && new Date(until).toISOString())
    assert.equal(await hashOf('hash'), hashSecret(String(json['key'])))
    assert.equal(await hashOf('previous_hash'), until && old)
    const lines = JSON.stringify(await api.audited())
    assert.ok(lines.includes(String(json['prefix'])) && !lines.includes(String(json['key'])))
  }
  for (const overlapSeconds of [-1, 0.5, 30 * 86_400 + 1, '60']) {
    assert.equal((await api.send('POST', `/api/keys/${id}/rotate`, { body: { overlapSeconds } })).status, 400)
  }
})

testEngines('a key is disabled and enabled, and once it is revoked nothing more becomes of it', async (t, store) => {
  const { makeKey } = await withTenants(store)
  const api = await startAdminApi(t, store)
  for (const [method, path] of [
    ['POST', '/revoke'],
    ['DELETE', ''],
  ] as const) {
    const id = await makeKey(`ended by ${method}`)
    for (const [verb, status] of [
      ['disable', 'disabled'],
      ['disable', 'disabled'],
      ['enable', 'active'],
    ] as const) {
      const { json, text } = await api.send('POST', `/api/keys/${id}/${verb}`)
      assert.equal(json['status'], status, text)
    }
    const ended = await api.send(method, `/api/keys/${id}${path}`)
    assert.deepEqual([ended.status, ended.json['status']], [200, 'revoked'])
    const line = (await api.audited()).at(-1)
    assert.deepEqual([line?.target, line?.before, line?.after], [id, '{"status":"active"}', '{"status":"revoked"}'])
    for (const [again, where] of [
      ['POST', '/enable'],
      ['POST', '/disable'],
      ['POST', '/revoke'],
      ['POST', '/rotate'],
      ['POST', '/reset'],
      ['PUT', ''],
      ['DELETE', ''],
    ] as const) {
      const { status, json } = await api.send(again, `/api/keys/${id}${where}`, again === 'PUT' ? { body: {} } : {})
      assert.deepEqual([status, json['message']], [400, 'This key was revoked, and that is final.'], again + where)
    }
    assert.deepEqual((await api.send('GET', `/api/keys/${id}`)).json, ended.json)
  }
})

testEngines('a key is given back what it has used', async (t, store) => {
  const { makeKey } = await withTenants(store)
  const api = await startAdminApi(t, store)
  const id = await makeKey('ci')
  const { status, json } = await api.send('POST', `/api/keys/${id}/reset`)
  assert.deepEqual([status, json['resetAt']], [200, new Date(NOW).toISOString()])
  assert.equal((await api.audited()).at(-1)?.operation, 'resetKey')
})

testEngines('a write to keys or tenants that goes by an older configuration is refused', async (t, store) => {
  const { makeKey } = await withTenants(store)
  const api = await startAdminApi(t, store)
  const id = await makeKey('ci')
  await store.keys.tenants.create('tenant-3', { name: 'empty' }, NOW)
  const old = (await api.send('GET', '/api/keys')).headers.etag ?? ''
  await api.send('PUT', `/api/keys/${id}`, { body: { description: 'somebody else' } })
  const key = (await api.send('GET', `/api/keys/${id}`)).text
  const tenants = (await api.send('GET', '/api/tenants')).text
  const writes: readonly (readonly [method: string, path: string, body?: object])[] = [
    ['POST', '/api/keys', { name: 'two' }],
    ['PUT', `/api/keys/${id}`, { description: 'mine' }],
    ['POST', `/api/keys/${id}/rotate`],
    ['POST', `/api/keys/${id}/disable`],
    ['POST', `/api/keys/${id}/enable`],
    ['POST', `/api/keys/${id}/reset`],
    ['POST', `/api/keys/${id}/revoke`],
    ['POST', '/api/tenants', { name: 'new' }],
    ['PUT', '/api/tenants/tenant-3', { description: 'mine' }],
    ['DELETE', '/api/tenants/tenant-3'],
  ]
  for (const [method, path, body] of writes) {
    const { status, json } = await api.send(method, path, { headers: { 'if-match': old }, ...(body && { body }) })
    assert.deepEqual([status, json['code']], [409, 'revision_conflict'], `${method} ${path}`)
  }
  assert.equal((await api.send('GET', `/api/keys/${id}`)).text, key)
  assert.equal((await api.send('GET', '/api/tenants')).text, tenants)
  for (const [method, path, body] of writes) {
    const etag = (await api.send('GET', '/api/tenants')).headers.etag ?? ''
    const { status, text } = await api.send(method, path, { headers: { 'if-match': etag }, ...(body && { body }) })
    assert.ok(status < 300, `${method} ${path}: ${text}`)
  }
})
