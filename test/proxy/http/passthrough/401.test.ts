import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/embeddings'

const refusals: readonly (readonly [what: string, headers: Record<string, string>, message: string, code: string])[] = [
  ['no key', {}, 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>', 'key_missing'],
  ['a blank key', { authorization: 'Bearer ' }, 'API key cannot be empty', 'key_blank'],
  ['an unknown key', { authorization: 'Bearer tg_no_such_key' }, 'Invalid API key', 'key_invalid'],
  ['an unknown x-api-key', { 'x-api-key': 'tg_no_such_key' }, 'Invalid API key', 'key_invalid'],
]
for (const [what, headers, message, code] of refusals) {
  test(`an embedding with ${what} is refused in system A's words`, async () => {
    const { id, status, text, ...answer } = await scene.ask(path, {
      key: null,
      headers,
      body: { model: 'embed-fake', input: 'eins' },
    })
    assert.equal(status, 401)
    assert.deepEqual(json(text), { error: message, code, message, request_id: id })
    assert.deepEqual([answer.headers['content-type'], answer.headers['x-request-id']], ['application/json', id])
    assert.equal(scene.seen(id), undefined)
    assert.deepEqual(scene.entries(id), [])
  })
}

test('who has no key does not learn which paths are open', async () => {
  const paths = [
    '/v1/files',
    '/v1/batches',
    '/v1/responses/resp_1',
    '/v1/nothing',
    '/v1/images/generations',
    '/v1/rerank',
  ]
  const answers = await Promise.all(paths.map((closed) => scene.ask(closed, { key: null, method: 'POST' })))
  for (const { id, status, text } of answers) {
    assert.deepEqual([status, json(text)['code']], [401, 'key_missing'])
    assert.equal(scene.seen(id), undefined)
  }
})

test("a form's file is not waited for when the key is unknown", async () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=x' }
  const body = Buffer.alloc(5_000_000)
  const { status, text } = await scene.ask('/v1/audio/transcriptions', { key: 'tg_no_such_key', headers, body })
  assert.deepEqual([status, json(text)['error']], [401, 'Invalid API key'])
})
