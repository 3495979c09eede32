import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/chat/completions'

/** The first answer that is not a 200. */
function refusal(key: string) {
  return until('a refusal', async () => {
    const answer = await scene.ask(path, { key, body: chat })
    return answer.status !== 200 && answer
  })
}

/** They wait for the command line, so they wait together. */
describe('a key that may not chat', { concurrency: true }, () => {
  test('is for other endpoints', async () => {
    const { key } = await scene.home.createKey(['--allow-endpoint', 'messages'])
    const { id, status, text } = await scene.ask(path, { key, body: chat })
    assert.equal(status, 403)
    const message =
      'The endpoint chat/completions is not open to this key; an administrator can name it in allowed_endpoints.'
    assert.deepEqual(json(text), {
      error: { message, type: 'permission_error', param: null, code: 'endpoint_not_allowed' },
      code: 'endpoint_not_allowed',
      message,
      request_id: id,
    })
    assert.equal(scene.seen(id), undefined)
  })

  test("has expired, which is told in system A's words", async () => {
    const { id: keyId, key } = await scene.home.createKey()
    const expiresAt = new Date(Date.now() - 1).toISOString()
    assert.equal((await scene.ask(`/api/keys/${keyId}`, { method: 'PUT', body: { expiresAt } })).status, 200)
    const { id, status, text } = await refusal(key)
    assert.equal(status, 403)
    const message = `API key expired on ${expiresAt}`
    assert.deepEqual(json(text), { error: message, code: 'key_expired', message, request_id: id })
  })

  test('is disabled', async () => {
    const { key, name } = await scene.home.createKey()
    assert.equal((await scene.ask(path, { key, body: chat })).status, 200)
    await scene.home.command(['keys', 'disable', name])
    const { id, status, text } = await refusal(key)
    assert.equal(status, 403)
    const message = 'This API key is disabled; ask your administrator to enable it.'
    assert.deepEqual(json(text), {
      error: { message, type: 'permission_error', param: null, code: 'key_disabled' },
      code: 'key_disabled',
      message,
      request_id: id,
    })
  })
})
