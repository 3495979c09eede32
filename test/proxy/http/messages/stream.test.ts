import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { eventsOf, message, pick, usage, usageColumns, withoutSerial } from '../../../support/dialogs.ts'
import type { Behaviour } from '../../../support/fake-upstream.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const body = { ...message, stream: true }

const ways: readonly (readonly [name: string, plan: Partial<Behaviour>])[] = [
  ['event by event', {}],
  ['byte by byte', { split: 'bytes' }],
  ['in pieces of seven bytes with CRLF', { split: 7, lineEnd: '\r\n' }],
  ['byte by byte with CRLF', { split: 'bytes', lineEnd: '\r\n' }],
  ['all at once', { split: (all) => [all] }],
  ['with a megabyte of text', { text: '🚧'.repeat(250_000), chunks: 50 }],
  [
    'with text that looks like the end',
    { text: 'event: message_stop\n\ndata: [DONE]\n\n"usage":{"output_tokens":9}"error"' },
  ],
]
for (const [name, plan] of ways) {
  test(`a stream that comes ${name} passes byte for byte and is recorded to the token`, async () => {
    const told = { ...plan, usage }
    const [answer, direct] = await Promise.all([
      scene.ask('/v1/messages', { body, plan: told }),
      scene.direct('/v1/messages', { body, plan: told }),
    ])
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
    const expected = {
      stream: 1,
      status: 'completed',
      http_status: 200,
      metering: 'exact',
      error: null,
      ...usageColumns,
    }
    assert.deepEqual(pick(await scene.entry(answer.id), expected), expected)
  })
}

test('a compressed stream is given out plain while it comes', async () => {
  const plan = { usage, gzip: true, stallAfter: 5 }
  const { id, received, whole } = await scene.open('/v1/messages', { body, plan })
  await until('five events', () => eventsOf(received()).length === 5)
  scene.upstream.release()
  const direct = await scene.direct('/v1/messages', { body, plan: { usage } })
  assert.equal(withoutSerial((await whole()).toString()), withoutSerial(direct.text))
  assert.deepEqual(pick(await scene.entry(id), usageColumns), usageColumns)
})

test('every event is passed on before the next one comes', async () => {
  const { received, whole } = await scene.open('/v1/messages', { body, plan: { stallAfter: 4 } })
  await until('four events', () => eventsOf(received()).length === 4)
  scene.upstream.release()
  await whole()
})

test('an entry is in the ledger no later than the last event is with the client', async () => {
  const { text, id } = await scene.ask('/v1/messages', { body, plan: { usage } })
  assert.ok(text.includes('message_stop'))
  const stats = await scene.stats()
  assert.notEqual(stats['total_lifetime_tokens'], 0)
  assert.equal((await scene.entry(id)).spend_tokens, 33)
})

test('an error inside the stream reaches the client, and the entry says which', async () => {
  const plan = { usage, errorAfter: 5 }
  const [answer, direct] = await Promise.all([
    scene.ask('/v1/messages', { body, plan }),
    scene.direct('/v1/messages', { body, plan }),
  ])
  assert.equal(answer.status, 200)
  assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
  const expected = {
    status: 'failed',
    http_status: 200,
    error: 'overloaded_error',
    metering: 'estimated',
    input_tokens: 10,
  }
  assert.deepEqual(pick(await scene.entry(answer.id), expected), expected)
})

const cuts: readonly (readonly [where: string, plan: Partial<Behaviour>])[] = [
  ['between two events', { cutAfter: 6 }],
  ['in the middle of an event', { cutAfter: { bytes: 900 } }],
  ['before its last event', { withoutTerminal: true, withoutUsage: true }],
  ['in the middle of an event, compressed', { cutAfter: { bytes: 500 }, gzip: true }],
]
for (const [where, plan] of cuts) {
  test(`a stream that breaks off ${where} ends with an error event of Anthropic's kind, and its entry is marked`, async () => {
    const answer = await scene.ask('/v1/messages', { body, plan: { usage, ...plan } })
    assert.equal(answer.status, 200)
    const events = eventsOf(answer.text).map(json)
    assert.deepEqual(events.at(-1), {
      type: 'error',
      error: { type: 'api_error', message: 'The upstream broke off its answer; try again.' },
      code: 'upstream_broken',
      message: 'The upstream broke off its answer; try again.',
      request_id: answer.id,
    })
    assert.ok(answer.text.includes('\n\nevent: error\ndata: '))
    const expected = { status: 'failed', error: 'upstream_broken', metering: 'estimated' }
    const entry = await scene.entry(answer.id)
    assert.deepEqual(pick(entry, expected), expected)
    assert.ok(entry.input_tokens > 0 && entry.output_tokens > 0)
  })
}

test('a stream that is cut before its first event is an error of its own', async () => {
  const answer = await scene.ask('/v1/messages', { body, plan: { cutAfter: 0 } })
  assert.equal(answer.status, 502)
  assert.equal(json(answer.text)['code'], 'upstream_broken')
})
