import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const refusals: readonly (readonly [what: string, key: string | null, error: string, code: string])[] = [
  ['no key', null, 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>', 'key_missing'],
  ['a blank key', '', 'API key cannot be empty', 'key_blank'],
  ['an unknown key', 'tg_no_such_key', 'Invalid API key', 'key_invalid'],
]
for (const [what, key, error, code] of refusals) {
  test(`with ${what} statistics are refused in system A's words`, async () => {
    const { id, status, text, headers } = await scene.ask('/stats', { key })
    assert.equal(status, 401)
    assert.deepEqual(json(text), { error, code, message: error, request_id: id })
    assert.deepEqual([headers['content-type'], headers['x-request-id']], ['application/json', id])
  })
}

test('a revoked key sees no statistics any more', async () => {
  const { key, name } = await scene.home.createKey()
  assert.equal((await scene.ask('/stats', { key })).status, 200)
  await scene.home.command(['keys', 'revoke', name])
  const { id, status, text } = await until('a refusal', async () => {
    const answer = await scene.ask('/stats', { key })
    return answer.status !== 200 && answer
  })
  assert.equal(status, 401)
  const message = 'This API key was revoked; ask your administrator for a new one.'
  assert.deepEqual(json(text), {
    error: { message, type: 'authentication_error', param: null, code: 'key_revoked' },
    code: 'key_revoked',
    message,
    request_id: id,
  })
})
