import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/chat/completions'

const refusals: readonly (readonly [what: string, headers: Record<string, string>, message: string, code: string])[] = [
  ['no key', {}, 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>', 'key_missing'],
  ['a blank key', { authorization: 'Bearer ' }, 'API key cannot be empty', 'key_blank'],
  ['an unknown key', { authorization: 'Bearer tg_no_such_key' }, 'Invalid API key', 'key_invalid'],
  ['an unknown x-api-key', { 'x-api-key': 'tg_no_such_key' }, 'Invalid API key', 'key_invalid'],
]
for (const [what, headers, message, code] of refusals) {
  test(`a chat with ${what} is refused in system A's words`, async () => {
    const { id, status, text, ...answer } = await scene.ask(path, { key: null, headers, body: chat })
    assert.equal(status, 401)
    assert.deepEqual(json(text), { error: message, code, message, request_id: id })
    assert.deepEqual([answer.headers['content-type'], answer.headers['x-request-id']], ['application/json', id])
    assert.equal(scene.seen(id), undefined)
    assert.deepEqual(scene.entries(id), [])
  })
}

test("a revoked key is refused within a moment, in OpenAI's shape", async () => {
  const { key, name } = await scene.home.createKey()
  assert.equal((await scene.ask(path, { key, body: chat })).status, 200)
  assert.equal((await scene.home.cli(['keys', 'revoke', name])).status, 0)
  const { id, status, text } = await until('a refusal', async () => {
    const answer = await scene.ask(path, { key, body: chat })
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

test("the upstream's own 401 is passed on: it is about the gateway's account, not about the key", async () => {
  const { id, status, text } = await scene.ask(path, { body: chat, plan: { status: 401 } })
  assert.equal(status, 401)
  assert.equal(json(JSON.stringify(json(text)['error']))['code'], 'invalid_api_key')
  assert.equal((await scene.entry(id)).spend_tokens, 0)
})
