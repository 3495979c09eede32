import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const [scene, unconnected] = await Promise.all([
  startScene({ env: { MAX_CONCURRENT_REQUESTS: '20' } }),
  startScene({ hasUpstream: false }),
])
after(() => Promise.all([scene.close(), unconnected.close()]))

const path = '/v1/chat/completions'

test('chats beyond MAX_CONCURRENT_REQUESTS are refused, and let in again when there is room', async () => {
  const held = Array.from({ length: 20 }, () => scene.ask(path, { body: chat, plan: { neverAnswer: true } }))
  await scene.upstream.waitFor((calls) => calls.length === 20)
  const refused = await Promise.all(Array.from({ length: 10 }, () => scene.ask(path, { body: chat })))
  scene.upstream.release()
  for (const { id, status, headers, text } of refused) {
    assert.deepEqual([status, headers['retry-after']], [503, '1'])
    const message = 'The gateway has as many calls in flight as it accepts; try again in a moment.'
    assert.deepEqual(json(text), {
      error: { message, type: 'server_error', param: null, code: 'overloaded' },
      code: 'overloaded',
      message,
      request_id: id,
    })
    assert.equal(scene.seen(id), undefined)
  }
  for (const { status } of await Promise.all(held)) assert.equal(status, 200)
  assert.equal((await scene.ask(path, { body: chat })).status, 200)
})

test('without an upstream a chat is told what is missing', async () => {
  const { id, status, text } = await unconnected.ask(path, { body: { ...chat, stream: true } })
  assert.equal(status, 503)
  const message =
    'No channel takes calls for this endpoint and model; add or resume one, or set ANTHROPIC_API_KEY, OPENAI_API_KEY or ZAI_API_KEY.'
  assert.deepEqual(json(text), {
    error: { message, type: 'server_error', param: null, code: 'no_upstream' },
    code: 'no_upstream',
    message,
    request_id: id,
  })
})
