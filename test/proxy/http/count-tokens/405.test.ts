import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
  test(`${method} is nothing that token counts know, which is told with what they do`, async () => {
    const { id, status, headers, text } = await scene.ask('/v1/messages/count_tokens', { method })
    assert.deepEqual([status, headers.allow], [405, 'POST'])
    const message = 'This endpoint does not know this method; see the Allow header.'
    assert.deepEqual(json(text), {
      type: 'error',
      error: { type: 'invalid_request_error', message },
      code: 'method_not_allowed',
      message,
      request_id: id,
    })
    assert.equal(scene.seen(id), undefined)
  })
}
