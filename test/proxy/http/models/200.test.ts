import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { pick } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

test('models are listed by OpenAI, or by Anthropic to who sends its version, for nothing', async () => {
  const headers = { 'anthropic-version': '2023-06-01' }
  const [openai, anthropic] = await Promise.all([
    scene.ask('/v1/models'),
    scene.ask('/v1/models?limit=5&after_id=%20x', { headers }),
  ])
  assert.equal(openai.status, 200)
  assert.equal(json(openai.text)['object'], 'list')
  assert.equal(json(anthropic.text)['first_id'], 'claude-fake')
  assert.equal(scene.seen(anthropic.id)?.query, '?limit=5&after_id=%20x')
  assert.equal(scene.seen(anthropic.id)?.headers['x-api-key'], 'upstream-anthropic-secret')
  assert.equal(scene.seen(openai.id)?.headers.authorization, 'Bearer upstream-openai-secret')
  for (const [{ id }, channel] of [
    [openai, 'openai'],
    [anthropic, 'anthropic'],
  ] as const) {
    const expected = {
      endpoint: 'models',
      model: null,
      channel,
      status: 'completed',
      metering: 'unmetered',
      spend_tokens: 0,
    }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  }
})

test('one model is shown', async () => {
  const { status, text } = await scene.ask('/v1/models/gpt-fake')
  assert.deepEqual([status, json(text)['id']], [200, 'gpt-fake'])
})
