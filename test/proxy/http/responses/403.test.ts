import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { question } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

/** What a client gets at a closed endpoint, besides the request id. */
function refusalOf(endpoint: string) {
  const message = `The endpoint ${endpoint} is not open to this key; an administrator can name it in allowed_endpoints.`
  const code = 'endpoint_not_allowed'
  return { error: { message, type: 'permission_error', param: null, code }, code, message }
}

test("a stored response is the account's and not the key's: it is not shown, deleted or cancelled", async () => {
  const asked = [
    ['GET', 'responses/resp_1'],
    ['DELETE', 'responses/resp_1'],
    ['POST', 'responses/resp_1/cancel'],
    ['GET', 'responses/resp_1/input_items'],
  ] as const
  await Promise.all(
    asked.map(async ([method, endpoint]) => {
      const { id, status, text } = await scene.ask(`/v1/${endpoint}`, { method })
      assert.equal(status, 403)
      assert.deepEqual(json(text), { ...refusalOf(endpoint), request_id: id })
      assert.equal(scene.seen(id), undefined)
    }),
  )
})

test('a key that names stored responses reaches them, and may not ask for new ones', async () => {
  const { key } = await scene.home.createKey(['--allow-endpoint', 'responses/*'])
  const [stored, asked] = await Promise.all([
    scene.ask('/v1/responses/resp_1', { key }),
    scene.ask('/v1/responses', { key, body: question }),
  ])
  const { method, path } = scene.seen(stored.id) ?? {}
  assert.deepEqual([stored.status, method, path], [404, 'GET', '/v1/responses/resp_1'])
  assert.equal(asked.status, 403)
  assert.deepEqual(json(asked.text), { ...refusalOf('responses'), request_id: asked.id })
  assert.equal(scene.seen(asked.id), undefined)
})
