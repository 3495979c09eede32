import assert from 'node:assert/strict'
import { type AdminApi, startAdminApi } from '../../../support/admin-api.ts'
import { testEngines } from '../../../support/database.ts'

const plain = { pool: 'messages', name: 'one', serviceType: 'claude', baseUrl: 'https://api.example' }

async function make(api: AdminApi, body: object = plain): Promise<string> {
  const { status, json, text } = await api.send('POST', '/api/channels', { body })
  assert.equal(status, 201, text)
  return String(json['id'])
}

testEngines('a write that goes by an older configuration is refused, and changes nothing', async (t, store) => {
  const api = await startAdminApi(t, store)
  const id = await make(api)
  await api.send('POST', `/api/channels/${id}/keys`, { body: { apiKeys: ['sk-1'] } })
  const keys = await api.send('GET', `/api/channels/${id}/keys`)
  const [{ id: keyId } = { id: '' }] = keys.json['keys'] as { id: string }[] // safe: held against the document
  const old = (await api.send('GET', '/api/channels')).headers.etag ?? ''
  await api.send('PUT', `/api/channels/${id}`, { body: { description: 'somebody else' } })
  const now = await api.send('GET', '/api/channels')
  assert.notEqual(now.headers.etag, old)

  const path = `/api/channels/${id}`
  const writes: readonly (readonly [method: string, path: string, body?: object])[] = [
    ['POST', '/api/channels', { ...plain, name: 'two' }],
    ['PUT', path, { description: 'mine' }],
    ['PATCH', `${path}/status`, { status: 'disabled' }],
    ['POST', '/api/channels/reorder', { pool: 'messages', order: [id] }],
    ['POST', `${path}/promotion`, { duration: 60 }],
    ['POST', `${path}/keys`, { apiKeys: ['sk-2'] }],
    ['POST', `${path}/keys/${keyId}/top`],
    ['DELETE', `${path}/keys/${keyId}`],
    ['DELETE', path],
  ]
  for (const [method, where, body] of writes) {
    const { status, json } = await api.send(method, where, { headers: { 'if-match': old }, ...(body && { body }) })
    assert.deepEqual([status, json['code']], [409, 'revision_conflict'], `${method} ${where}`)
  }
  const after = await api.send('GET', '/api/channels')
  assert.deepEqual([after.headers.etag, after.json], [now.headers.etag, now.json])
  for (const [method, where, body] of writes.slice(1)) {
    const etag = (await api.send('GET', '/api/channels')).headers.etag ?? ''
    const { status, text } = await api.send(method, where, { headers: { 'if-match': etag }, ...(body && { body }) })
    assert.ok(status < 300, `${method} ${where}: ${text}`)
  }
})

testEngines('a name is free once in a pool', async (t, store) => {
  const api = await startAdminApi(t, store)
  await make(api)
  const other = await make(api, { ...plain, name: 'two' })
  await make(api, { ...plain, pool: 'chat' })
  for (const [method, path, body] of [
    ['POST', '/api/channels', plain],
    ['PUT', `/api/channels/${other}`, { name: 'one' }],
  ] as const) {
    const { status, json } = await api.send(method, path, { body })
    assert.deepEqual(
      [status, json['code'], json['message']],
      [409, 'conflict', 'Another channel of the pool has this name.'],
    )
  }
})

testEngines('a channel of the environment can be read, and not changed', async (t, store) => {
  const api = await startAdminApi(t, store)
  const path = '/api/channels/env-anthropic-messages'
  const writes: readonly (readonly [method: string, path: string, body?: object])[] = [
    ['PUT', path, { name: 'mine' }],
    ['DELETE', path],
    ['PATCH', `${path}/status`, { status: 'disabled' }],
    ['POST', `${path}/promotion`, { duration: 60 }],
    ['POST', `${path}/keys`, { apiKeys: ['sk-2'] }],
    ['POST', `${path}/keys/x/top`],
    ['DELETE', `${path}/keys/x`],
  ]
  for (const [method, where, body] of writes) {
    const { status, json } = await api.send(method, where, { ...(body && { body }) })
    assert.deepEqual([status, json['code']], [409, 'read_only'], `${method} ${where}`)
  }
  assert.equal((await api.send('POST', `${path}/resume`)).status, 200, 'a suspension of it can be lifted')
})

testEngines('a channel to which a composite sends is not removed', async (t, store) => {
  const api = await startAdminApi(t, store)
  const target = await make(api)
  const compositeMappings = [{ pattern: 'x', targetChannelId: target }]
  const composite = await make(api, { pool: 'messages', name: 'all', serviceType: 'composite', compositeMappings })
  const { status, json } = await api.send('DELETE', `/api/channels/${target}`)
  assert.deepEqual([status, json['code']], [409, 'conflict'])
  assert.match(String(json['message']), /all/)
  await api.send('DELETE', `/api/channels/${composite}`)
  assert.equal((await api.send('DELETE', `/api/channels/${target}`)).status, 200)
})
