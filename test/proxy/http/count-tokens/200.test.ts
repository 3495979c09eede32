import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message, pick } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/messages/count_tokens'
const { max_tokens: _, ...body } = message

test('tokens are counted by the upstream, for nothing', async () => {
  const { id, status, text } = await scene.ask(path, { body, plan: { usage: { input: 77 } } })
  assert.deepEqual([status, json(text)], [200, { input_tokens: 77 }])
  const seen = scene.seen(id)
  assert.deepEqual([seen?.path, seen?.rawBody.toString()], [path, JSON.stringify(body)])
  assert.equal(seen?.headers['x-api-key'], 'upstream-anthropic-secret')
  const expected = {
    endpoint: 'messages/count_tokens',
    channel: 'anthropic',
    status: 'completed',
    metering: 'unmetered',
    input_tokens: 0,
    spend_tokens: 0,
  }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

test("a key's forced model counts as well as it is used", async () => {
  const { key } = await scene.home.createKey(['--model', 'claude-forced'])
  const { id } = await scene.ask(path, { key, body })
  assert.equal(scene.seen(id)?.rawBody.toString(), JSON.stringify({ ...body, model: 'claude-forced' }))
})
