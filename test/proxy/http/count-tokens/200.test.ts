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

test("errors are told in Anthropic's shape", async () => {
  const [malformed, noKey, wrongMethod, refused] = await Promise.all([
    scene.ask(path, { body: '{', headers: { 'content-type': 'application/json' } }),
    scene.ask(path, { body, key: null }),
    scene.ask(path),
    scene.ask(path, { body, plan: { status: 400 } }),
  ])
  assert.deepEqual([malformed.status, noKey.status, wrongMethod.status, refused.status], [400, 401, 405, 400])
  for (const { text } of [malformed, noKey, wrongMethod, refused]) assert.equal(json(text)['type'], 'error')
  assert.equal(json(noKey.text)['error'], 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>')
})
