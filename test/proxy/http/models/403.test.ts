import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const sentenceOf = (endpoint: string) =>
  `The endpoint ${endpoint} is not open to this key; an administrator can name it in allowed_endpoints.`

test('what lies below a model is not open', async () => {
  const { id, status, text } = await scene.ask('/v1/models/gpt-fake/permissions')
  assert.equal(status, 403)
  const message = sentenceOf('models/gpt-fake/permissions')
  assert.deepEqual(json(text), {
    error: { message, type: 'permission_error', param: null, code: 'endpoint_not_allowed' },
    code: 'endpoint_not_allowed',
    message,
    request_id: id,
  })
  assert.equal(scene.seen(id), undefined)
})

test('a key for other endpoints may not list models, and is told so in the words of the API that it asked', async () => {
  const { key } = await scene.home.createKey(['--allow-endpoint', 'chat/completions'])
  const [openai, anthropic] = await Promise.all([
    scene.ask('/v1/models', { key }),
    scene.ask('/v1/models/claude-fake', { key, headers: { 'anthropic-version': '2023-06-01' } }),
  ])
  assert.deepEqual([openai.status, anthropic.status], [403, 403])
  const message = sentenceOf('models')
  const ours = { code: 'endpoint_not_allowed', message }
  assert.deepEqual(json(openai.text), {
    error: { message, type: 'permission_error', param: null, code: ours.code },
    ...ours,
    request_id: openai.id,
  })
  assert.deepEqual(json(anthropic.text), {
    type: 'error',
    error: { type: 'permission_error', message },
    ...ours,
    request_id: anthropic.id,
  })
})
