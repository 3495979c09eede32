import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat, eventsOf, pick, usage, usageColumns, withoutSerial } from '../../../support/dialogs.ts'
import type { Behaviour } from '../../../support/fake-upstream.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/chat/completions'
const body = { ...chat, stream: true }
const exact = { stream: 1, status: 'completed', http_status: 200, metering: 'exact', error: null, ...usageColumns }

const ways: readonly (readonly [name: string, plan: Partial<Behaviour>])[] = [
  ['event by event', {}],
  ['byte by byte', { split: 'bytes' }],
  ['in pieces of eleven bytes with CRLF', { split: 11, lineEnd: '\r\n' }],
  ['byte by byte with CRLF', { split: 'bytes', lineEnd: '\r\n' }],
  ['all at once', { split: (all) => [all] }],
  ['compressed', { gzip: true }],
  ['compressed and byte by byte', { gzip: true, split: 'bytes' }],
  ['with a megabyte of text', { text: '🚧'.repeat(250_000), chunks: 50 }],
  [
    'with text that looks like the end',
    { text: 'data: [DONE]\n\n"error" {"usage":{"total_tokens":9}},"usage":null', chunks: 1 },
  ],
]
for (const [name, plan] of ways) {
  test(`a client that did not ask for usage gets ${name} what it would have got without a gateway`, async () => {
    const [answer, direct] = await Promise.all([
      scene.ask(path, { body, plan: { ...plan, usage } }),
      scene.direct(path, { body, plan: { ...plan, gzip: false, usage } }),
    ])
    assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
    assert.deepEqual(scene.seen(answer.id)?.body['stream_options'], { include_usage: true })
    assert.deepEqual(pick(await scene.entry(answer.id), exact), exact)
  })

  test(`a client that asked for usage gets it ${name}`, async () => {
    const asking = { ...body, stream_options: { include_usage: true } }
    const [answer, direct] = await Promise.all([
      scene.ask(path, { body: asking, plan: { ...plan, usage } }),
      scene.direct(path, { body: asking, plan: { ...plan, gzip: false, usage } }),
    ])
    assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
    assert.ok(answer.text.includes('"completion_tokens":20'))
    assert.equal(scene.seen(answer.id)?.rawBody.toString(), JSON.stringify(asking))
    assert.deepEqual(pick(await scene.entry(answer.id), exact), exact)
  })
}

test('usage is asked for without touching another byte of the body', async () => {
  const sent: readonly (readonly [body: string, seen: string])[] = [
    [
      `{"stream":true,"seed":12345678901234567890 }`,
      `{"stream":true,"seed":12345678901234567890 ,"stream_options":{"include_usage":true}}`,
    ],
    [`{"stream_options" : null,"stream":true}`, `{"stream_options" : {"include_usage":true},"stream":true}`],
    [
      `{"stream_options":{"include_usage":false},"stream":true}`,
      `{"stream_options":{"include_usage":true},"stream":true}`,
    ],
    [
      `{"stream_options":{"include_obfuscation":false},"stream":true}`,
      `{"stream_options":{"include_obfuscation":false,"include_usage":true},"stream":true}`,
    ],
    [`{"stream":false}`, `{"stream":false}`],
    [`{"stream":null}`, `{"stream":null}`],
  ]
  await Promise.all(
    sent.map(async ([given, expected]) => {
      const { id } = await scene.ask(path, { body: given })
      assert.equal(scene.seen(id)?.rawBody.toString(), expected)
    }),
  )
})

test('usage that the upstream puts into its last choice is recorded and passed on', async () => {
  const last = {
    choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
    usage: { prompt_tokens: 8, completion_tokens: 4 },
  }
  const rawBody = `data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`
  const { id, text } = await scene.ask(path, { body, plan: { rawBody, contentType: 'text/event-stream' } })
  assert.equal(text, rawBody)
  const expected = { input_tokens: 8, output_tokens: 4, metering: 'exact' }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

test('a stream that ends after its usage, without [DONE], is whole', async () => {
  const { id, status, text } = await scene.ask(path, { body, plan: { usage, withoutTerminal: true } })
  assert.equal(status, 200)
  assert.ok(!text.includes('error'))
  assert.deepEqual(pick(await scene.entry(id), exact), exact)
})

test('a stream without usage is recorded with an estimate, and marked', async () => {
  const { id } = await scene.ask(path, { body, plan: { withoutUsage: true } })
  const entry = await scene.entry(id)
  assert.deepEqual([entry.status, entry.metering], ['completed', 'estimated'])
  assert.ok(entry.input_tokens > 0 && entry.output_tokens > 0)
})

test('an upstream that does not stream though it was asked to is understood', async () => {
  const rawBody = JSON.stringify({ id: 'chatcmpl-1', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })
  const { id, text, headers } = await scene.ask(path, { body, plan: { rawBody } })
  assert.equal(text, rawBody)
  assert.equal(headers['content-type'], 'application/json')
  const expected = { input_tokens: 3, output_tokens: 2, metering: 'exact', status: 'completed' }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

test('an error inside the stream reaches the client, and the entry says which', async () => {
  const { id, text, status } = await scene.ask(path, {
    body,
    plan: { usage, errorAfter: 4, error: { code: 'insufficient_quota' } },
  })
  assert.equal(status, 200)
  const error = json(eventsOf(text).at(-1) ?? '')['error']
  assert.deepEqual(pick(json(JSON.stringify(error)), { code: '' }), { code: 'insufficient_quota' })
  const expected = { status: 'failed', error: 'insufficient_quota', metering: 'estimated', http_status: 200 }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

const cuts: readonly Partial<Behaviour>[] = [
  { cutAfter: 4 },
  { cutAfter: { bytes: 700 } },
  { withoutTerminal: true, withoutUsage: true },
]
for (const plan of cuts) {
  test(`a stream that breaks off (${JSON.stringify(plan)}) ends with an error of OpenAI's kind, and its entry is marked`, async () => {
    const { id, text } = await scene.ask(path, { body, plan: { usage, ...plan } })
    const sentence = 'The upstream broke off its answer; try again.'
    assert.deepEqual(json(eventsOf(text).at(-1) ?? ''), {
      error: { message: sentence, type: 'server_error', param: null, code: 'upstream_broken' },
      code: 'upstream_broken',
      message: sentence,
      request_id: id,
    })
    assert.ok(!text.includes('[DONE]'))
    const expected = { status: 'failed', error: 'upstream_broken', metering: 'estimated' }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })
}
