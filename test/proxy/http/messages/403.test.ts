import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

/** The first answer that is not a 200. */
function refusal(key: string) {
  return until('a refusal', async () => {
    const answer = await scene.ask('/v1/messages', { key, body: message })
    return answer.status !== 200 && answer
  })
}

test('a key is refused from the moment on which it expires', async () => {
  const { id: keyId, key } = await scene.home.createKey()
  assert.equal((await scene.ask('/v1/messages', { key, body: message })).status, 200)
  const expiresAt = new Date(Date.now() + 1000).toISOString()
  assert.equal((await scene.ask(`/api/keys/${keyId}`, { method: 'PUT', body: { expiresAt } })).status, 200)
  const { id, status, text } = await refusal(key)
  assert.equal(status, 403)
  const sentence = `API key expired on ${expiresAt}`
  assert.deepEqual(json(text), {
    type: 'error',
    error: sentence,
    code: 'key_expired',
    message: sentence,
    request_id: id,
  })
  assert.ok(Date.now() >= Date.parse(expiresAt))
})

test('a disabled key is refused within a moment, and let in again when it is enabled', async () => {
  const { key, name } = await scene.home.createKey()
  assert.equal((await scene.ask('/v1/messages', { key, body: message })).status, 200)
  await scene.home.command(['keys', 'disable', name])
  const { id, status, text } = await refusal(key)
  assert.equal(status, 403)
  const sentence = 'This API key is disabled; ask your administrator to enable it.'
  assert.deepEqual(json(text), {
    type: 'error',
    error: { type: 'permission_error', message: sentence },
    code: 'key_disabled',
    message: sentence,
    request_id: id,
  })
  await scene.home.command(['keys', 'enable', name])
  await until('a 200', async () => (await scene.ask('/v1/messages', { key, body: message })).status === 200)
})

test('a key for other endpoints may not send messages', async () => {
  const { key } = await scene.home.createKey(['--allow-endpoint', 'chat/completions', 'messages/*'])
  const [refused, counted] = await Promise.all([
    scene.ask('/v1/messages', { key, body: message }),
    scene.ask('/v1/messages/count_tokens', { key, body: message }),
  ])
  assert.equal(counted.status, 200)
  assert.equal(refused.status, 403)
  const { type, code, error } = json(refused.text)
  assert.deepEqual([type, code], ['error', 'endpoint_not_allowed'])
  const sentence = 'The endpoint messages is not open to this key; an administrator can name it in allowed_endpoints.'
  assert.deepEqual(error, { type: 'permission_error', message: sentence })
  assert.equal(scene.seen(refused.id), undefined)
})
