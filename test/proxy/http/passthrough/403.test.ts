import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const [scene, other] = await Promise.all([
  startScene(),
  startScene({ env: { PASSTHROUGH_PATHS: ' /v1/batches , vector_stores/* ' } }),
])
after(() => Promise.all([scene.close(), other.close()]))

test('a base URL that brings /v1 along twice is told so, and nobody is sent to an administrator', async () => {
  const { status, text } = await scene.ask('/v1/v1/messages', { body: {} })
  const { code, message } = json(text)
  assert.deepEqual([status, code], [404, 'route_unknown'])
  assert.match(String(message), /\/v1 twice/)
})

test('resources of the shared account are not open, whatever the method, nor is what nobody knows', async () => {
  const names = ['files', 'batches', 'responses/resp_1', 'fine_tuning/jobs', 'vector_stores/vs_1/search', '', 'nothing']
  await Promise.all(
    names.flatMap((name) =>
      ['GET', 'POST', 'DELETE'].map(async (method) => {
        const { id, status, text } = await scene.ask(`/v1/${name}`, { method })
        assert.equal(status, 403)
        const message = `The endpoint ${name} is not open to this key; an administrator can name it in allowed_endpoints.`
        assert.deepEqual(json(text), {
          error: { message, type: 'permission_error', param: null, code: 'endpoint_not_allowed' },
          code: 'endpoint_not_allowed',
          message,
          request_id: id,
        })
        assert.equal(scene.seen(id), undefined)
        assert.deepEqual(scene.entries(id), [])
      }),
    ),
  )
})

test('a key that names resources of the shared account reaches them, and nothing else', async () => {
  const { key } = await scene.home.createKey(['--allow-endpoint', 'files/*', 'files'])
  const [listed, removed, embedded] = await Promise.all([
    scene.ask('/v1/files', { key }),
    scene.ask('/v1/files/file-1', { key, method: 'DELETE' }),
    scene.ask('/v1/embeddings', { key, body: {} }),
  ])
  assert.deepEqual([scene.seen(listed.id)?.path, scene.seen(removed.id)?.method], ['/v1/files', 'DELETE'])
  assert.deepEqual([embedded.status, json(embedded.text)['code']], [403, 'endpoint_not_allowed'])
  assert.equal(scene.seen(embedded.id), undefined)
})

test('PASSTHROUGH_PATHS says which paths are open', async () => {
  const answers = await Promise.all(
    ['/v1/batches', '/v1/vector_stores/vs_1/search', '/v1/embeddings'].map((path) => other.ask(path, { body: {} })),
  )
  assert.deepEqual(
    answers.map(({ id, status }) => [other.seen(id)?.method ?? null, status]),
    [
      ['POST', 404],
      ['POST', 404],
      [null, 403],
    ],
  )
})
