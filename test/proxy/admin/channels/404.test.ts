import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAdminApi } from '../../../support/admin-api.ts'
import { openDatabase } from '../../../support/database.ts'

test('what is asked of a channel or a key that is not there is 404', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const plain = { pool: 'messages', name: 'one', serviceType: 'claude', baseUrl: 'https://api.example' }
  const made = await api.send('POST', '/api/channels', { body: plain })
  const there = `/api/channels/${String(made.json['id'])}`
  const path = '/api/channels/abcd0123'
  const calls: readonly (readonly [method: string, path: string, body?: object])[] = [
    ['GET', path],
    ['PUT', path, { name: 'x' }],
    ['DELETE', path],
    ['PATCH', `${path}/status`, { status: 'active' }],
    ['POST', `${path}/resume`],
    ['POST', `${path}/promotion`, { duration: 1 }],
    ['GET', `${path}/keys`],
    ['POST', `${path}/keys`, { apiKeys: ['sk-1'] }],
    ['DELETE', `${there}/keys/none`],
    ['POST', `${there}/keys/none/top`],
    ['POST', `${there}/keys/none/bottom`],
  ]
  for (const [method, where, body] of calls) {
    const { status, json } = await api.send(method, where, { ...(body && { body }) })
    assert.deepEqual([status, json['code']], [404, 'not_found'], `${method} ${where}`)
  }
})
