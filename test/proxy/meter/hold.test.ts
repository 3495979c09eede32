import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContentFilter } from '../../../proxy/domain/channel.ts'
import type { Protocol } from '../../../proxy/domain/endpoint.ts'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import type { Sink } from '../../../proxy/domain/sink.ts'
import { Hold, type Verdict } from '../../../proxy/meter/hold.ts'
import { streamOf, streamProtocols } from '../../support/event-streams.ts'

const SSE = { 'content-type': 'text/event-stream' }
const JSON_TYPE = { 'content-type': 'application/json' }
const USAGE = {
  inputTokens: 30,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 12,
  reasoningTokens: 0,
}

/** A hold before an end that writes down what comes to it. */
function holding(protocol: Protocol, filter: ContentFilter | null = null) {
  const seen: string[] = []
  const next: Sink = {
    head: (status) => void seen.push(`head ${status}`),
    data(chunk) {
      seen.push(chunk.toString())
      return true
    },
    end: () => void seen.push('end'),
    fail: ({ code }) => void seen.push(`fail ${code}`),
  }
  const hold = new Hold(next, protocol, filter)
  let verdict: Verdict | undefined
  void hold.verdict.then((given) => (verdict = given))
  const judged = async (): Promise<Verdict | undefined> => {
    await new Promise((resolve) => setImmediate(resolve))
    return verdict
  }
  return { hold, seen, judged }
}

function event(json: object): Buffer {
  return Buffer.from(`data: ${JSON.stringify(json)}\n\n`)
}

for (const protocol of streamProtocols) {
  test(`a ${protocol} stream is held until its first real output, and then passes whole`, async () => {
    const { events } = streamOf(protocol, { texts: ['a', 'b'], usage: USAGE })
    const first = events.findIndex((each) => /"(?:text|content|delta)":\s?"a"/.test(each.toString()))
    assert.ok(first >= 0, 'there is one with the text')
    const { hold, seen, judged } = holding(protocol)
    hold.head(200, SSE)
    for (const each of events.slice(0, first)) assert.equal(hold.data(each), true)
    assert.deepEqual([await judged(), seen], [undefined, []])
    for (const each of events.slice(first)) hold.data(each)
    hold.end()
    assert.deepEqual(await judged(), { kind: 'serves' })
    assert.deepEqual([seen[0], seen.at(-1)], ['head 200', 'end'])
    assert.equal(seen.slice(1, -1).join(''), Buffer.concat(events).toString())
  })
}

const preambles: Readonly<Record<string, readonly [protocol: Protocol, events: readonly object[]]>> = {
  'a message that has begun, and a ping': [
    'messages',
    [
      { type: 'message_start', message: { usage: { input_tokens: 9, output_tokens: 1 } } },
      { type: 'ping' },
      { type: 'content_block_start', content_block: { type: 'text', text: '' } },
    ],
  ],
  'a role': [
    'chat',
    [{ choices: [{ delta: { role: 'assistant', content: '', refusal: null }, finish_reason: null }] }],
  ],
  'an empty text': ['completions', [{ choices: [{ text: '', finish_reason: null }] }]],
  'a response that was taken': ['responses', [{ type: 'response.created' }, { type: 'response.in_progress' }]],
}

for (const [what, [protocol, events]] of Object.entries(preambles)) {
  test(`${what} in ${protocol} is no output: an error behind it is a failure, of which nothing has passed`, async () => {
    const { hold, seen, judged } = holding(protocol)
    hold.head(200, SSE)
    for (const each of events) hold.data(event(each))
    assert.equal(await judged(), undefined)
    hold.data(event({ type: 'error', error: { type: 'overloaded_error', message: 'busy' } }))
    const verdict = await judged()
    assert.ok(verdict?.kind === 'failed')
    assert.deepEqual([verdict.status, verdict.errorType, verdict.error, seen], [200, 'overloaded_error', undefined, []])
  })

  test(`${what} in ${protocol} and then the end is a failure`, async () => {
    const { hold, judged } = holding(protocol)
    hold.head(200, SSE)
    for (const each of events) hold.data(event(each))
    hold.end()
    assert.equal((await judged())?.kind, 'failed')
  })
}

const outputs: Readonly<Record<string, readonly [protocol: Protocol, event: object]>> = {
  'a delta of thinking': [
    'messages',
    { type: 'content_block_delta', delta: { type: 'thinking_delta', thinking: 'h' } },
  ],
  'an empty message that ends properly': ['messages', { type: 'message_delta', delta: { stop_reason: 'end_turn' } }],
  'a call of a tool': ['chat', { choices: [{ delta: { tool_calls: [{ index: 0 }] } }] }],
  'a text of reasoning': ['chat', { choices: [{ delta: { role: 'assistant', reasoning_content: 'h' } }] }],
  'an empty chat that ends properly': ['chat', { choices: [{ delta: {}, finish_reason: 'stop' }] }],
  'an item of the output': ['responses', { type: 'response.output_item.added', item: { type: 'reasoning' } }],
}

for (const [what, [protocol, json]] of Object.entries(outputs)) {
  test(`${what} is output`, async () => {
    const { hold, judged } = holding(protocol)
    hold.head(200, SSE)
    hold.data(event(json))
    assert.deepEqual(await judged(), { kind: 'serves' })
  })
}

test('a refusal is held to its end, with what it says of the limits of the account', async () => {
  const { hold, seen, judged } = holding('messages')
  hold.head(429, JSON_TYPE, { 'retry-after': '7' })
  hold.data(Buffer.from('{"error":'))
  assert.equal(await judged(), undefined)
  hold.data(Buffer.from('{}}'))
  hold.end()
  const verdict = await judged()
  assert.ok(verdict?.kind === 'failed')
  assert.deepEqual([verdict.status, verdict.text, verdict.limits], [429, '{"error":{}}', { 'retry-after': '7' }])
  assert.deepEqual(seen, [])
})

test('a failure that is the answer after all passes as it came', async () => {
  const { hold, seen, judged } = holding('messages')
  hold.head(503, JSON_TYPE)
  hold.data(Buffer.from('{"error"'))
  hold.data(Buffer.from(':1}'))
  hold.end()
  await judged()
  hold.release()
  assert.deepEqual(seen, ['head 503', '{"error":1}', 'end'])
})

test('an exchange that broke off before its answer is a failure, and is told if it is the answer', async () => {
  const { hold, seen, judged } = holding('chat')
  hold.fail(new GatewayError('upstream_unreachable'))
  const verdict = await judged()
  assert.ok(verdict?.kind === 'failed')
  assert.deepEqual([verdict.status, verdict.error?.code], [undefined, 'upstream_unreachable'])
  hold.release()
  assert.deepEqual(seen, ['fail upstream_unreachable'])
})

test('what an upstream told of its usage before it broke off is known', async () => {
  const { hold, judged } = holding('messages')
  hold.head(200, SSE)
  hold.data(event({ type: 'message_start', message: { usage: { input_tokens: 9, output_tokens: 1 } } }))
  hold.fail(new GatewayError('upstream_broken'))
  const verdict = await judged()
  assert.ok(verdict?.kind === 'failed')
  assert.deepEqual([verdict.usage?.inputTokens, verdict.usage?.outputTokens], [9, 1])
})

test('of a failure that was given up nothing passes, whatever still comes', async () => {
  const { hold, seen, judged } = holding('messages')
  hold.head(200, SSE)
  hold.data(event({ type: 'error', error: { type: 'api_error' } }))
  await judged()
  hold.discard()
  assert.equal(hold.data(event({ type: 'content_block_delta' })), true)
  hold.end()
  assert.deepEqual(seen, [])
})

test('a whole answer is not held', async () => {
  const { hold, seen, judged } = holding('chat')
  hold.head(200, JSON_TYPE)
  hold.data(Buffer.from('{'))
  assert.deepEqual([await judged(), seen], [{ kind: 'serves' }, ['head 200', '{']])
})

test('of a preamble without end no more is held than a bound', async () => {
  const { hold, seen, judged } = holding('messages')
  hold.head(200, SSE)
  const ping = event({ type: 'ping', padding: 'x'.repeat(100_000) })
  for (let count = 0; count < 20 && seen.length === 0; count++) hold.data(ping)
  assert.deepEqual(await judged(), { kind: 'serves' })
  assert.ok(seen.join('').length < 1_300_000)
})

for (const [what, status, type] of [
  ['a web page', 200, 'text/html; charset=utf-8'],
  ['a redirect', 307, 'application/json'],
] as const) {
  test(`${what} is no answer`, () => {
    const { hold, seen } = holding('messages')
    assert.throws(
      () => hold.head(status, { 'content-type': type }),
      (error) => error instanceof GatewayError && error.code === 'upstream_invalid',
    )
    assert.deepEqual(seen, [])
  })
}

const FILTER = { isEnabled: true, rules: [{ keyword: 'Quota Exceeded', status: 429 }] }

for (const protocol of streamProtocols) {
  test(`a ${protocol} stream that says what the filter of its channel knows is refused as the filter says`, async () => {
    const { events } = streamOf(protocol, { texts: ['Sorry: quota ', 'exceeded.'], usage: USAGE })
    const { hold, seen, judged } = holding(protocol, FILTER)
    hold.head(200, SSE)
    for (const each of events) hold.data(each)
    assert.deepEqual([await judged(), seen], [undefined, []], 'it is held to its end')
    hold.end()
    const verdict = await judged()
    assert.ok(verdict?.kind === 'failed')
    assert.deepEqual([verdict.status, seen], [429, []])
    hold.release()
    assert.equal(seen.slice(1, -1).join(''), Buffer.concat(events).toString(), 'the answer, if there is no better one')
  })

  test(`a ${protocol} stream that the filter does not know passes whole, at its end`, async () => {
    const { events } = streamOf(protocol, { texts: ['all ', 'is well'], usage: USAGE })
    const { hold, seen, judged } = holding(protocol, FILTER)
    hold.head(200, SSE)
    for (const each of events) hold.data(each)
    hold.end()
    assert.deepEqual(await judged(), { kind: 'serves' })
    assert.deepEqual(
      [seen[0], seen.slice(1, -1).join(''), seen.at(-1)],
      ['head 200', Buffer.concat(events).toString(), 'end'],
    )
  })
}

test('a whole answer is looked at by the filter, too', async () => {
  const { hold, seen, judged } = holding('chat', FILTER)
  hold.head(200, JSON_TYPE)
  hold.data(Buffer.from('{"choices":[{"message":{"content":"QUOTA EXCEEDED"}}]}'))
  hold.end()
  const verdict = await judged()
  assert.ok(verdict?.kind === 'failed')
  assert.deepEqual([verdict.status, seen], [429, []])
})
