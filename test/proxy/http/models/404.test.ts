import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { pick } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

test("a model that does not exist is the upstream's 404", async () => {
  const headers = { 'anthropic-version': '2023-06-01' }
  const [openai, anthropic] = await Promise.all([
    scene.ask('/v1/models/gpt-none'),
    scene.ask('/v1/models/claude-none', { headers }),
  ])
  assert.deepEqual([openai.status, scene.seen(openai.id)?.path], [404, '/v1/models/gpt-none'])
  assert.equal(json(JSON.stringify(json(openai.text)['error']))['code'], 'model_not_found')
  assert.deepEqual([anthropic.status, scene.seen(anthropic.id)?.path], [404, '/v1/models/claude-none'])
  assert.equal(json(JSON.stringify(json(anthropic.text)['error']))['type'], 'not_found_error')
  const expected = { endpoint: 'models', status: 'completed', http_status: 404, spend_tokens: 0 }
  assert.deepEqual(pick(await scene.entry(openai.id), expected), expected)
})
