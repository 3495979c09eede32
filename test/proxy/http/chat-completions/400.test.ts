import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat } from '../../../support/dialogs.ts'
import { answers400 } from '../../../support/openai-400.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/chat/completions'

answers400(scene, path, chat, 'a chat')

test('JSON is JSON, whatever its content type says', async () => {
  const headers = { 'content-type': 'text/plain' }
  const { id, status } = await scene.ask(path, { body: JSON.stringify(chat), headers })
  assert.equal(status, 200)
  assert.equal((await scene.entry(id)).metering, 'exact')
})

test('without a model and without a default the upstream has the say', async () => {
  const { model: _, ...rest } = chat
  const { id, status } = await scene.ask(path, { body: rest })
  assert.equal(status, 200)
  assert.equal(scene.seen(id)?.rawBody.toString(), JSON.stringify(rest))
  assert.equal((await scene.entry(id)).model, null)
  const error = { message: 'you must provide a model parameter' }
  const refused = await scene.ask(path, { body: rest, plan: { status: 400, error } })
  assert.equal(refused.status, 400)
  assert.deepEqual(json(refused.text)['error'], { ...error, type: 'invalid_request_error', param: null, code: null })
})
