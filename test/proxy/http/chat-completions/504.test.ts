import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat, eventsOf, pick } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

// As long as an upstream of a test may take that is not silent, but slow.
const scene = await startScene({ env: { FIRST_BYTE_TIMEOUT_MS: '2000', IDLE_TIMEOUT_MS: '2000' } })
after(() => scene.close())

const path = '/v1/chat/completions'

const message = 'The upstream did not answer in time; try again.'
const timeout = { code: 'upstream_timeout', message }
const error = { message, type: 'server_error', param: null, code: 'upstream_timeout' }

/** They wait for time-outs, so they wait together. */
describe('an upstream that is silent', { concurrency: true }, () => {
  for (const stream of [false, true]) {
    test(`before its answer, to ${stream ? 'a stream' : 'a chat'}: 504`, async () => {
      const { id, status, text } = await scene.ask(path, { body: { ...chat, stream }, plan: { neverAnswer: true } })
      assert.equal(status, 504)
      assert.deepEqual(json(text), { error, ...timeout, request_id: id })
      const expected = { status: 'failed', error: 'upstream_timeout', http_status: 504, metering: 'estimated' }
      assert.deepEqual(pick(await scene.entry(id), expected), expected)
      await scene.upstream.waitFor(() => scene.seen(id)?.ended === 'client_gone')
    })
  }

  test('in its stream: an error event', async () => {
    const { id, status, text } = await scene.ask(path, { body: { ...chat, stream: true }, plan: { stallAfter: 3 } })
    assert.equal(status, 200)
    const events = eventsOf(text).map(json)
    assert.equal(events.length, 4)
    assert.deepEqual(events.at(-1), { error, ...timeout, request_id: id })
    const expected = { status: 'failed', error: 'upstream_timeout', metering: 'estimated' }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })

  test('in its body: it breaks off', async () => {
    const plan = { stallAfter: { bytes: 200_000 }, hugeBodyBytes: 500_000 }
    const { id, whole } = await scene.open(path, { body: chat, plan })
    await assert.rejects(whole())
    assert.equal((await scene.entry(id)).error, 'upstream_timeout')
  })
})
