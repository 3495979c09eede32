import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCall } from '../../../proxy/domain/call.ts'
import { endpointOf } from '../../../proxy/domain/endpoint.ts'
import { NOTHING_TOLD, type Outcome } from '../../../proxy/domain/entry.ts'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import type { Sink } from '../../../proxy/domain/sink.ts'
import { NO_USAGE } from '../../../proxy/domain/usage.ts'
import { Meter } from '../../../proxy/meter/meter.ts'
import { type StreamProtocol, streamOf } from '../../support/event-streams.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const USAGE = { inputTokens: 30, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 12, reasoningTokens: 0 }
const ESTIMATE = { inputTokens: 100, outputTokens: 256 }
const SSE = { 'content-type': 'text/event-stream; charset=utf-8' }
const JSON_TYPE = { 'content-type': 'application/json' }
const paths: Readonly<Record<StreamProtocol, string>> = {
  messages: '/v1/messages',
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  responses: '/v1/responses',
}

/** Everything that has settled has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A meter between two ends that write down what happens to them; the ledger answers when it is told to. */
function metering(path: string, body: object = {}) {
  const raw = { endpoint: endpointOf(path, ['embeddings'], false), method: 'POST', search: '', headers: JSON_TYPE }
  const call = readCall({ ...raw, body: Buffer.from(JSON.stringify(body)) }, null, undefined)
  const written = Promise.withResolvers<void>()
  const seen: string[] = []
  const outcomes: Outcome[] = []
  let now = NOON
  let isSlow = false
  const client: Sink = {
    head: (status) => void seen.push(`head ${status}`),
    data(chunk) {
      seen.push(chunk.toString())
      return !isSlow
    },
    end: (last) => void seen.push(...(last ? [last.toString()] : []), 'end'),
    fail: (error) => void seen.push(`fail ${error.code}`),
  }
  const meter = new Meter({
    call,
    client,
    admittedAt: NOON,
    now: () => now,
    estimate: ESTIMATE,
    close(outcome) {
      outcomes.push(outcome)
      return written.promise
    },
  })
  return {
    meter,
    seen,
    pass: (ms: number) => (now += ms),
    slowDown: () => (isSlow = true),
    outcome: (): Outcome => {
      assert.equal(outcomes.length, 1, 'a call is closed exactly once')
      return outcomes[0] as Outcome // safe: there is one
    },
    isClosed: () => outcomes.length > 0,
    ledgerHasIt: async (): Promise<void> => {
      written.resolve()
      await settled()
    },
  }
}

for (const protocol of ['messages', 'chat', 'completions', 'responses'] as const) {
  test(`the end of a ${protocol} stream waits for the ledger, and everything before does not`, async () => {
    const { events, endIndex, usage } = streamOf(protocol, { texts: ['a', 'b'], usage: USAGE })
    const asked = { stream: true, stream_options: { include_usage: true } }
    const { meter, seen, pass, outcome, ledgerHasIt } = metering(paths[protocol], asked)
    meter.head(200, SSE)
    pass(40)
    for (const event of events) assert.equal(meter.data(event), true)
    meter.end()
    await settled()
    assert.equal(seen.slice(1).join(''), Buffer.concat(events.slice(0, endIndex)).toString())

    await ledgerHasIt()
    assert.equal(seen.slice(1, -1).join(''), Buffer.concat(events).toString())
    assert.equal(seen.at(-1), 'end')
    assert.deepEqual(outcome(), {
      status: 'completed',
      httpStatus: 200,
      error: null,
      metering: 'exact',
      usage,
      firstByteMs: 40,
      durationMs: 40,
      told: NOTHING_TOLD,
    })
  })
}

test('the last bytes of a body wait for the ledger', async () => {
  const { meter, seen, pass, outcome, ledgerHasIt } = metering('/v1/chat/completions')
  meter.head(200, JSON_TYPE)
  pass(5)
  meter.data(Buffer.from('{"choices":[],'))
  pass(5)
  meter.data(Buffer.from('"usage":{"prompt_tokens":30,"completion_tokens":12}}'))
  meter.end()
  await settled()
  assert.deepEqual(seen, ['head 200', '{"choices":[],'])
  await ledgerHasIt()
  assert.deepEqual(seen.slice(2), ['"usage":{"prompt_tokens":30,"completion_tokens":12}}', 'end'])
  const { metering: how, usage, firstByteMs, durationMs } = outcome()
  assert.deepEqual([how, usage, firstByteMs, durationMs], ['exact', USAGE, 5, 10])
})

test('a client that is behind slows the upstream down', () => {
  const { meter, slowDown } = metering('/v1/chat/completions', { stream: true })
  meter.head(200, SSE)
  assert.equal(meter.data(Buffer.from('data: {}\n\n')), true)
  slowDown()
  assert.equal(meter.data(Buffer.from('data: half')), true, 'nothing was passed on')
  assert.equal(meter.data(Buffer.from('\n\n')), false)
})

test('a stream that ends without its end is broken, told so and estimated by what has come', async () => {
  const { meter, seen, outcome, ledgerHasIt } = metering('/v1/chat/completions', { stream: true })
  meter.head(200, SSE)
  meter.data(Buffer.from(`data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(640) } }] })}\n\n`))
  meter.end()
  await ledgerHasIt()
  assert.equal(seen.at(-1), 'fail upstream_broken')
  const { status, error, metering: how, usage } = outcome()
  assert.deepEqual([status, error, how], ['failed', 'upstream_broken', 'estimated'])
  assert.equal(usage.inputTokens, 100)
  assert.ok(usage.outputTokens >= 10)
})

test('of a message that broke off the input is as the upstream told it, and the output is estimated', async () => {
  const { events } = streamOf('messages', { texts: ['x'.repeat(6400)], usage: USAGE })
  const { meter, outcome, ledgerHasIt } = metering('/v1/messages', { stream: true })
  meter.head(200, SSE)
  for (const event of events.slice(0, 4)) meter.data(event)
  meter.fail(new GatewayError('upstream_broken'))
  await ledgerHasIt()
  const { metering: how, usage } = outcome()
  assert.deepEqual([how, usage.inputTokens], ['estimated', 30])
  assert.ok(usage.outputTokens >= 100)
})

test('an error after the end of a stream does not take its end away', async () => {
  const { events } = streamOf('chat', { texts: [], usage: USAGE })
  const { meter, seen, outcome, ledgerHasIt } = metering('/v1/chat/completions', {
    stream: true,
    stream_options: { include_usage: true },
  })
  meter.head(200, SSE)
  for (const event of events) meter.data(event)
  meter.fail(new GatewayError('upstream_broken'))
  await ledgerHasIt()
  assert.deepEqual(seen.slice(-2), ['data: [DONE]\n\n', 'end'])
  assert.equal(outcome().status, 'completed')
})

test('an error long after the end of a stream does not put one behind it', async () => {
  const { events } = streamOf('messages', { texts: ['a'], usage: USAGE })
  const { meter, seen, ledgerHasIt } = metering('/v1/messages', { stream: true })
  meter.head(200, SSE)
  for (const event of events) meter.data(event)
  await ledgerHasIt()
  meter.fail(new GatewayError('upstream_broken'))
  await settled()
  assert.deepEqual(seen, ['head 200', ...events.map(String), 'end'])
})

test('what comes behind the end of a stream is passed on behind it', async () => {
  const { meter, seen, ledgerHasIt } = metering('/v1/chat/completions', { stream: true })
  meter.head(200, SSE)
  meter.data(Buffer.from('data: [DONE]\n\n: half'))
  meter.data(Buffer.from(' a comment\n\n'))
  meter.end()
  await ledgerHasIt()
  assert.deepEqual(seen, ['head 200', 'data: [DONE]\n\n: half a comment\n\n', 'end'])
})

test('an upstream that goes on and on behind its end is cut off', () => {
  const { meter } = metering('/v1/chat/completions', { stream: true })
  meter.head(200, SSE)
  meter.data(Buffer.from('data: [DONE]\n\n'))
  assert.throws(
    () => {
      for (let count = 0; count < 20; count++) meter.data(Buffer.from('data: {}\n\n'))
    },
    (error) => error instanceof GatewayError && error.code === 'upstream_broken',
  )
})

test('an error inside a stream is in the ledger by its own name', async () => {
  const { meter, seen, outcome, ledgerHasIt } = metering('/v1/messages', { stream: true })
  const text = `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type: 'overloaded_error' } })}\n\n`
  meter.head(200, SSE)
  meter.data(Buffer.from(text))
  assert.deepEqual(seen, ['head 200'])
  meter.end()
  await ledgerHasIt()
  assert.deepEqual(seen, ['head 200', text, 'end'])
  assert.deepEqual([outcome().status, outcome().error], ['failed', 'overloaded_error'])
})

test('a call that never reached an upstream costs nothing', async () => {
  const { meter, seen, outcome, ledgerHasIt } = metering('/v1/messages')
  meter.fail(new GatewayError('upstream_unreachable', { isUnbilled: true }))
  await ledgerHasIt()
  assert.deepEqual(seen, ['fail upstream_unreachable'])
  assert.deepEqual(outcome(), {
    status: 'failed',
    httpStatus: 502,
    error: 'upstream_unreachable',
    metering: 'exact',
    usage: NO_USAGE,
    firstByteMs: null,
    durationMs: 0,
    told: NOTHING_TOLD,
  })
})

test('a call whose answer did not come in time may have cost what was expected', async () => {
  const { meter, outcome, ledgerHasIt } = metering('/v1/messages')
  meter.fail(new GatewayError('upstream_timeout'))
  await ledgerHasIt()
  const { metering: how, usage, httpStatus } = outcome()
  assert.deepEqual([how, httpStatus, usage], ['estimated', 504, { ...NO_USAGE, inputTokens: 100, outputTokens: 256 }])
})

test("an upstream's refusal is passed on as it is and costs nothing", async () => {
  const { meter, seen, outcome, ledgerHasIt } = metering('/v1/messages', { stream: true })
  meter.head(429, SSE)
  meter.data(Buffer.from('{"type":"error"}'))
  meter.end()
  await ledgerHasIt()
  assert.deepEqual(seen, ['head 429', '{"type":"error"}', 'end'])
  const { status, httpStatus, metering: how, usage, error } = outcome()
  assert.deepEqual([status, httpStatus, how, usage, error], ['completed', 429, 'exact', NO_USAGE, null])
})

test('an answer without usage is estimated where tokens are counted, and unmetered elsewhere', async () => {
  for (const [path, how] of [
    ['/v1/messages', 'estimated'],
    ['/v1/messages/count_tokens', 'unmetered'],
    ['/v1/embeddings', 'unmetered'],
  ] as const) {
    const { meter, outcome, ledgerHasIt } = metering(path)
    meter.head(200, {})
    meter.data(Buffer.from('{"input_tokens":7}'))
    meter.end()
    await ledgerHasIt()
    assert.equal(outcome().metering, how, path)
  }
})

test('an answer without a body ends all the same', async () => {
  const { meter, seen, ledgerHasIt } = metering('/v1/embeddings')
  meter.head(204, {})
  meter.end()
  await ledgerHasIt()
  assert.deepEqual(seen, ['head 204', 'end'])
})

test('the answer of a client that hung up is measured to its end', async () => {
  const { events, usage } = streamOf('messages', { texts: ['a'], usage: USAGE })
  const { meter, outcome, isClosed, ledgerHasIt } = metering('/v1/messages', { stream: true })
  meter.head(200, SSE)
  for (const event of events.slice(0, 3)) meter.data(event)
  meter.clientGone()
  assert.equal(isClosed(), false)
  for (const event of events.slice(3)) meter.data(event)
  meter.end()
  await ledgerHasIt()
  const { status, httpStatus, metering: how, usage: found } = outcome()
  assert.deepEqual([status, httpStatus, how, found], ['client_gone', 499, 'exact', usage])
})
