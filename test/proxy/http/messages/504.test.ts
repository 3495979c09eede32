import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { eventsOf, message, pick } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

// As long as an upstream of a test may take that is not silent, but slow.
const timeouts = { FIRST_BYTE_TIMEOUT_MS: '2000', IDLE_TIMEOUT_MS: '2000' }
const [scene, beating] = await Promise.all([
  startScene({ env: timeouts }),
  startScene({ env: { ...timeouts, SSE_HEARTBEAT_MS: '50' } }),
])
after(() => Promise.all([scene.close(), beating.close()]))

const sentence = 'The upstream did not answer in time; try again.'
const refusal = { code: 'upstream_timeout', message: sentence }

/** They wait for time-outs, so they wait together. */
const concurrently = { concurrency: true }

describe('an upstream that is silent', concurrently, () => {
  for (const stream of [false, true]) {
    test(`does not begin to answer ${stream ? 'a stream' : 'a message'}: 504`, async () => {
      const plan = { neverAnswer: true }
      const { id, status, text } = await scene.ask('/v1/messages', { body: { ...message, stream }, plan })
      assert.equal(status, 504)
      const error = { type: 'timeout_error', message: sentence }
      assert.deepEqual(json(text), { type: 'error', error, ...refusal, request_id: id })
      const expected = { status: 'failed', error: 'upstream_timeout', http_status: 504, metering: 'estimated' }
      assert.deepEqual(pick(await scene.entry(id), expected), expected)
      await scene.upstream.waitFor(() => scene.seen(id)?.ended === 'client_gone')
    })
  }

  test('falls silent in a stream: an error event', async () => {
    const { id, status, text } = await scene.ask('/v1/messages', {
      body: { ...message, stream: true },
      plan: { stallAfter: 5 },
    })
    assert.equal(status, 200)
    const error = { type: 'timeout_error', message: sentence }
    const events = eventsOf(text).map(json)
    assert.equal(events.length, 6)
    assert.deepEqual(events.at(-1), { type: 'error', error, ...refusal, request_id: id })
    const expected = {
      status: 'failed',
      error: 'upstream_timeout',
      http_status: 200,
      metering: 'estimated',
      input_tokens: 25,
    }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })

  test('falls silent in a body: it breaks off', async () => {
    const plan = { stallAfter: { bytes: 200_000 }, hugeBodyBytes: 500_000 }
    const { id, whole } = await scene.open('/v1/messages', { body: message, plan })
    await assert.rejects(whole())
    assert.equal((await scene.entry(id)).error, 'upstream_timeout')
  })

  test('does not begin to answer, and a heartbeat was sent: an error event', async () => {
    const plan = { neverAnswer: true }
    const { id, status, headers, text } = await beating.ask('/v1/messages', {
      body: { ...message, stream: true },
      plan,
    })
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'text/event-stream')
    assert.equal(headers['x-request-id'], id)
    assert.ok(text.startsWith(': keep-alive\n\n'))
    const error = { type: 'timeout_error', message: sentence }
    assert.deepEqual(eventsOf(text).map(json), [{ type: 'error', error, ...refusal, request_id: id }])
  })
})

test('a silent stream is kept alive by comments between its events, and stays whole', async () => {
  const plan = { stallAfter: { bytes: 900 } } // in the middle of an event
  const { received, whole } = await beating.open('/v1/messages', { body: { ...message, stream: true }, plan })
  await beating.upstream.waitFor((calls) => calls.at(-1)?.served.bytes === 900)
  await until('a heartbeat', () => received().includes(': keep-alive\n\n'))
  beating.upstream.release()
  const direct = await beating.direct('/v1/messages', { body: { ...message, stream: true } })
  const withoutBeats = (await whole()).toString().replaceAll(': keep-alive\n\n', '')
  assert.deepEqual(eventsOf(withoutBeats).slice(1), eventsOf(direct.text).slice(1))
})

test('an upstream that refuses behind a heartbeat is an error event with what it said', async () => {
  const refuse = { status: 429, delayMs: 200, error: { message: 'Not so fast' } }
  const { id, status, text } = await beating.ask('/v1/messages', { body: { ...message, stream: true }, plan: refuse })
  assert.equal(status, 200)
  const [event] = eventsOf(text).map(json)
  assert.equal(event?.['type'], 'error')
  assert.equal(event['code'], 'upstream_broken')
  assert.match(String(event['message']), /status 429: .*Not so fast/)
  const expected = { status: 'completed', http_status: 429, spend_tokens: 0 }
  assert.deepEqual(pick(await beating.entry(id), expected), expected)
})

test('a message that is not streamed gets no heartbeats', async () => {
  const { text, status } = await beating.ask('/v1/messages', { body: message, plan: { delayMs: 200 } })
  assert.equal(status, 200)
  assert.equal(json(text)['type'], 'message')
})
