import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

for (const method of ['POST', 'PUT', 'DELETE']) {
  test(`${method} is nothing that models know, which is told with what they do`, async () => {
    const { id, status, headers, text } = await scene.ask('/v1/models/gpt-fake', { method })
    assert.deepEqual([status, headers.allow], [405, 'GET'])
    const message = 'This endpoint does not know this method; see the Allow header.'
    assert.deepEqual(json(text), {
      error: { message, type: 'invalid_request_error', param: null, code: 'method_not_allowed' },
      code: 'method_not_allowed',
      message,
      request_id: id,
    })
    assert.equal(scene.seen(id), undefined)
    assert.ok(!scene.upstream.calls.some((call) => call.method === method))
  })
}

test("to who asks Anthropic's API, it is told in Anthropic's shape", async () => {
  const headers = { 'anthropic-version': '2023-06-01' }
  const { status, text, ...answer } = await scene.ask('/v1/models', { method: 'POST', headers, body: {} })
  assert.deepEqual([status, answer.headers.allow], [405, 'GET'])
  const { type, error } = json(text)
  assert.deepEqual([type, json(JSON.stringify(error))['type']], ['error', 'invalid_request_error'])
})
