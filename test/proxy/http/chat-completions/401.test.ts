import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { answers401 } from '../../../support/openai-401.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/chat/completions'

answers401(scene, path, chat, 'a chat')

test("a revoked key is refused within a moment, in OpenAI's shape", async () => {
  const { key, name } = await scene.home.createKey()
  assert.equal((await scene.ask(path, { key, body: chat })).status, 200)
  assert.equal((await scene.home.command(['keys', 'revoke', name])).status, 0)
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
