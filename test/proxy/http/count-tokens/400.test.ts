import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message, pick } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/messages/count_tokens'
const { max_tokens: _, ...body } = message

for (const malformed of ['{', '[]', 'null', '"hello"']) {
  test(`${malformed} instead of a JSON object is refused in Anthropic's shape, and no upstream hears of it`, async () => {
    const headers = { 'content-type': 'application/json' }
    const { id, status, text } = await scene.ask(path, { body: malformed, headers })
    assert.equal(status, 400)
    const sentence = 'The body is not a JSON object; send one with content-type application/json.'
    assert.deepEqual(json(text), {
      type: 'error',
      error: { type: 'invalid_request_error', message: sentence },
      code: 'json_invalid',
      message: sentence,
      request_id: id,
    })
    assert.equal(scene.seen(id), undefined)
  })
}

test('what the upstream finds wrong with a body, its own words say', async () => {
  const plan = { status: 400, error: { message: 'messages: Field required' } }
  const { id, status, text } = await scene.ask(path, { body, plan })
  assert.equal(status, 400)
  assert.deepEqual(json(text), {
    type: 'error',
    error: { type: 'invalid_request_error', message: 'messages: Field required' },
    request_id: scene.seen(id)?.requestId,
  })
  const expected = { status: 'completed', http_status: 400, spend_tokens: 0 }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})
