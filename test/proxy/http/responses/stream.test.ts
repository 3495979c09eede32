import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { eventsOf, pick, question, usage, usageColumns, withoutSerial } from '../../../support/dialogs.ts'
import type { Behaviour } from '../../../support/fake-upstream.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/responses'
const stream = { ...question, stream: true }
const exact = { endpoint: 'responses', channel: 'openai', status: 'completed', metering: 'exact', ...usageColumns }

const ways: readonly (readonly [name: string, plan: Partial<Behaviour>])[] = [
  ['event by event', {}],
  ['byte by byte', { split: 'bytes' }],
  ['in pieces of five bytes with CRLF', { split: 5, lineEnd: '\r\n' }],
  ['compressed', { gzip: true }],
  ['with text that looks like the end', { text: '"type":"response.completed" event: error "usage":{}' }],
]
for (const [name, plan] of ways) {
  test(`a streamed response passes ${name} byte for byte, and is recorded to the token`, async () => {
    const [answer, direct] = await Promise.all([
      scene.ask(path, { body: stream, plan: { ...plan, usage } }),
      scene.direct(path, { body: stream, plan: { ...plan, gzip: false, usage } }),
    ])
    assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
    // Its streams tell their usage unasked.
    assert.equal(scene.seen(answer.id)?.rawBody.toString(), JSON.stringify(stream))
    assert.deepEqual(pick(await scene.entry(answer.id), exact), exact)
  })
}

test('a response that was cut short by its token limit is recorded to the token', async () => {
  const usageOfIt = { input_tokens: 12, output_tokens: 34, total_tokens: 46 }
  const last = { type: 'response.incomplete', response: { status: 'incomplete', error: null, usage: usageOfIt } }
  const rawBody = `event: response.incomplete\ndata: ${JSON.stringify(last)}\n\n`
  const { id, text } = await scene.ask(path, { body: stream, plan: { rawBody, contentType: 'text/event-stream' } })
  assert.equal(text, rawBody)
  const expected = { status: 'completed', metering: 'exact', input_tokens: 12, output_tokens: 34 }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

for (const responsesFailure of ['error', 'response.failed'] as const) {
  test(`a response that fails in its stream by ${responsesFailure} reaches the client, and the entry says how`, async () => {
    const plan: Partial<Behaviour> = { usage, errorAfter: 5, responsesFailure, error: { code: 'insufficient_quota' } }
    const [answer, direct] = await Promise.all([
      scene.ask(path, { body: stream, plan }),
      scene.direct(path, { body: stream, plan }),
    ])
    assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
    const expected = { status: 'failed', error: 'insufficient_quota', metering: 'estimated', http_status: 200 }
    assert.deepEqual(pick(await scene.entry(answer.id), expected), expected)
  })
}

for (const cutAfter of [6, { bytes: 2500 }]) {
  test(`a streamed response that breaks off at ${JSON.stringify(cutAfter)} ends with an error event of its kind`, async () => {
    const { id, text } = await scene.ask(path, { body: stream, plan: { usage, cutAfter } })
    assert.deepEqual(json(eventsOf(text).at(-1) ?? ''), {
      type: 'error',
      code: 'upstream_broken',
      message: 'The upstream broke off its answer; try again.',
      param: null,
      request_id: id,
    })
    assert.ok(text.includes('\n\nevent: error\ndata: '))
    const expected = { status: 'failed', error: 'upstream_broken', metering: 'estimated' }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })
}
