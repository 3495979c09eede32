import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat, message } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const [scene, unconnected] = await Promise.all([
  startScene({ env: { MAX_CONCURRENT_REQUESTS: '2', MAX_BUFFERED_MB: '1' } }),
  startScene({ hasUpstream: false }),
])
after(() => Promise.all([scene.close(), unconnected.close()]))

test('without an upstream a call is told what is missing', async () => {
  const sentence =
    'No channel takes calls for this endpoint and model; add or resume one, or set ANTHROPIC_API_KEY, OPENAI_API_KEY or ZAI_API_KEY.'
  const [answer, chatAnswer] = await Promise.all([
    unconnected.ask('/v1/messages', { body: message }),
    unconnected.ask('/v1/chat/completions', { body: chat }),
  ])
  assert.equal(answer.status, 503)
  assert.deepEqual(json(answer.text), {
    type: 'error',
    error: { type: 'overloaded_error', message: sentence },
    code: 'no_upstream',
    message: sentence,
    request_id: answer.id,
  })
  assert.equal(chatAnswer.status, 503)
  assert.deepEqual(json(chatAnswer.text), {
    error: { type: 'server_error', message: sentence, param: null, code: 'no_upstream' },
    code: 'no_upstream',
    message: sentence,
    request_id: chatAnswer.id,
  })
  const { log } = unconnected.gateway
  await until('the log says so', () => log.some(({ msg }) => msg.includes('no upstream is configured')))
  assert.equal((await unconnected.ask('/health')).status, 200)
})

test('calls beyond MAX_CONCURRENT_REQUESTS are refused, and let in again when there is room', async () => {
  const plan = { neverAnswer: true }
  const held = [1, 2].map(() => scene.ask('/v1/messages', { body: message, plan }))
  await scene.upstream.waitFor((calls) => calls.length === 2)
  const { id, status, headers, text } = await scene.ask('/v1/messages', { body: message })
  assert.equal(status, 503)
  assert.equal(headers['retry-after'], '1')
  const sentence = 'The gateway has as many calls in flight as it accepts; try again in a moment.'
  assert.deepEqual(json(text), {
    type: 'error',
    error: { type: 'overloaded_error', message: sentence },
    code: 'overloaded',
    message: sentence,
    request_id: id,
  })
  assert.deepEqual(
    (await Promise.all(['/health', '/stats'].map((path) => scene.ask(path)))).map((page) => page.status),
    [200, 200],
  )
  scene.upstream.release()
  assert.deepEqual(
    (await Promise.all(held)).map((answer) => answer.status),
    [200, 200],
  )
  assert.equal((await scene.ask('/v1/messages', { body: message })).status, 200)
})

test('bodies beyond MAX_BUFFERED_MB are refused, and taken again when there is room', async () => {
  const body = Buffer.alloc(700_000, ' ').fill(JSON.stringify(message), 0, Buffer.byteLength(JSON.stringify(message)))
  const seenBefore = scene.upstream.calls.length
  const held = scene.ask('/v1/messages', { body, plan: { neverAnswer: true } })
  await scene.upstream.waitFor((calls) => calls.length > seenBefore)
  const { status, text, headers } = await scene.ask('/v1/messages', { body })
  assert.deepEqual([status, json(text)['code'], headers['retry-after']], [503, 'overloaded', '1'])
  scene.upstream.release()
  assert.equal((await held).status, 200)
  assert.equal((await scene.ask('/v1/messages', { body })).status, 200)
})
