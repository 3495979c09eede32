import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

/** The first answer that is not a 200. */
function refusal(key: string) {
  return until('a refusal', async () => {
    const answer = await scene.ask('/stats', { key })
    return answer.status !== 200 && answer
  })
}

/** They wait for the command line, so they wait together. */
describe('statistics are refused', { concurrency: true }, () => {
  test("to an expired key, in system A's words as everywhere", async () => {
    const { id: keyId, key } = await scene.home.createKey()
    const expiresAt = new Date(Date.now() - 1).toISOString()
    assert.equal((await scene.ask(`/api/keys/${keyId}`, { method: 'PUT', body: { expiresAt } })).status, 200)
    const { id, status, text } = await refusal(key)
    assert.equal(status, 403)
    const message = `API key expired on ${expiresAt}`
    assert.deepEqual(json(text), { error: message, code: 'key_expired', message, request_id: id })
  })

  test('to a disabled key, until it is enabled', async () => {
    const { key, name } = await scene.home.createKey()
    assert.equal((await scene.ask('/stats', { key })).status, 200)
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
    await scene.home.command(['keys', 'enable', name])
    await until('a 200', async () => (await scene.ask('/stats', { key })).status === 200)
  })
})

test('a key for other endpoints sees its statistics: they are about itself', async () => {
  const { key } = await scene.home.createKey(['--allow-endpoint', 'messages'])
  assert.equal((await scene.ask('/stats', { key })).status, 200)
})
