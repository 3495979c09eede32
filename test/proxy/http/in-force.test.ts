import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../support/ask.ts'
import { message } from '../../support/dialogs.ts'
import { startScene } from '../../support/scene.ts'

// It looks for changes of others once an hour.
const scene = await startScene({ env: { CONFIG_POLL_INTERVAL_MS: '3600000' } })
after(() => scene.close())

async function write(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
  const { status, text } = await scene.ask(path, { method, ...(body && { body }) })
  assert.ok(status < 300, text)
  return text === '' ? {} : json(text)
}

test('a channel is in force where it was made, changed or removed when that is answered', async () => {
  const secretOf = async (): Promise<unknown> => {
    const { id } = await scene.ask('/v1/messages', { body: message })
    return scene.seen(id)?.headers['x-api-key']
  }
  const before = await secretOf()
  const more = { pool: 'messages', serviceType: 'claude', baseUrl: scene.upstream.url, apiKeys: ['another-secret'] }
  const { id } = await write('POST', '/api/channels', { name: 'another', ...more })
  assert.equal(await secretOf(), 'another-secret')
  await write('PATCH', `/api/channels/${String(id)}/status`, { status: 'suspended' })
  assert.equal(await secretOf(), before)
  await write('PATCH', `/api/channels/${String(id)}/status`, { status: 'active' })
  assert.equal(await secretOf(), 'another-secret')
  await write('DELETE', `/api/channels/${String(id)}`)
  assert.equal(await secretOf(), before)
})

test('a key that is revoked is refused from the answer on', async () => {
  const { id, key } = await write('POST', '/api/keys', { name: 'alice' })
  const call = () => scene.ask('/v1/messages', { key: String(key), body: message })
  assert.equal((await call()).status, 200)
  await write('PUT', `/api/keys/${String(id)}`, { allowedModels: ['gpt-*'] })
  assert.equal((await call()).status, 403)
  await write('POST', `/api/keys/${String(id)}/revoke`)
  assert.equal(json((await call()).text)['code'], 'key_revoked')
})
