import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Protocol } from '../../../proxy/domain/endpoint.ts'
import { NOTHING_TOLD } from '../../../proxy/domain/entry.ts'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import { StreamScan } from '../../../proxy/meter/stream-scan.ts'
import { COMPACT, contents, cutAt, cuts, manners, streamOf, streamProtocols } from '../../support/event-streams.ts'
import { rounds } from '../../support/rounds.ts'

/** Runs a scan as the meter does: once the end has come, what follows no longer goes through it. */
function scanned(protocol: Protocol, chunks: readonly Buffer[], hidesUsage = false) {
  const scan = new StreamScan(protocol, hidesUsage)
  const passed: Buffer[] = []
  const late: Buffer[] = []
  for (const chunk of chunks) {
    const passes = scan.hasEnded ? void late.push(chunk) : scan.push(chunk)
    if (passes) passed.push(passes)
  }
  const { hasEnded } = scan
  const finding = scan.find(false)
  return {
    hasEnded,
    finding,
    passed: Buffer.concat(passed).toString('latin1'),
    all: Buffer.concat([...passed, scan.rest() ?? Buffer.alloc(0), ...late]).toString('latin1'),
  }
}

/** The events that end within the first `bytes`. */
function wholeWithin(events: readonly Buffer[], bytes: number): Buffer[] {
  let end = 0
  return events.filter((event) => (end += event.length) <= bytes)
}

const latin1 = (events: readonly Buffer[]): string => Buffer.concat(events).toString('latin1')

for (const protocol of streamProtocols) {
  test(`however a ${protocol} stream is cut, its usage is known, its bytes are unchanged and its end waits`, () => {
    fc.assert(
      fc.property(contents, manners, cuts, (content, manner, where) => {
        const { events, endIndex, usage } = streamOf(protocol, content, manner)
        const { passed, all, finding, hasEnded } = scanned(protocol, cutAt(Buffer.concat(events), where))
        assert.deepEqual(finding, { usage, isFinal: true, isWhole: true, error: undefined, told: NOTHING_TOLD })
        assert.equal(hasEnded, true)
        assert.equal(passed, latin1(events.slice(0, endIndex)))
        assert.equal(all, latin1(events))
      }),
      rounds(150),
    )
  })

  test(`a ${protocol} stream that breaks off anywhere before its usage is not whole, and what came of it is there`, () => {
    fc.assert(
      fc.property(
        contents,
        manners,
        cuts,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (content, manner, where, part) => {
          const { events, usageIndex } = streamOf(protocol, content, manner)
          const before = Buffer.concat(events.slice(0, usageIndex))
          const cut = before.subarray(0, Math.floor(part * before.length))
          const { all, finding, hasEnded } = scanned(protocol, cutAt(cut, where))
          assert.deepEqual([finding.isFinal, finding.isWhole, hasEnded], [false, false, false])
          assert.equal(all, latin1(wholeWithin(events, cut.length)), 'whole events, and no half one')
        },
      ),
      rounds(100),
    )
  })
}

for (const protocol of ['chat', 'completions'] as const) {
  test(`who did not ask for usage gets the ${protocol} stream that has none, however it is cut`, () => {
    fc.assert(
      fc.property(contents, cuts, (content, where) => {
        const asked = streamOf(protocol, content, COMPACT, true)
        const unasked = streamOf(protocol, content, COMPACT, false)
        const { all, passed, finding } = scanned(protocol, cutAt(Buffer.concat(asked.events), where), true)
        assert.deepEqual(finding.usage, asked.usage)
        assert.equal(all, latin1(unasked.events))
        assert.equal(passed, latin1(unasked.events.slice(0, unasked.endIndex)))
      }),
      rounds(150),
    )
  })
}

const event = (data: unknown, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
const whole = (protocol: Protocol, ...events: string[]) => scanned(protocol, [Buffer.from(events.join(''))])

test('the end of a stream is seen in every form that it has', () => {
  for (const type of ['response.completed', 'response.incomplete', 'response.failed']) {
    assert.equal(whole('responses', event({ type, response: {} }, type)).finding.isWhole, true, type)
  }
  assert.equal(whole('chat', event('[DONE]')).finding.isWhole, true)
  assert.equal(whole('messages', event({ type: 'message_stop' })).finding.isWhole, true)
})

test('a server that tells the usage and sends no [DONE] has ended its stream', () => {
  const { finding, hasEnded } = whole('chat', event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } }))
  assert.equal(hasEnded, false)
  assert.deepEqual([finding.isWhole, finding.isFinal, finding.usage?.outputTokens], [true, true, 4])
})

test('a server that forgets the last blank line has ended its stream all the same', () => {
  const text = event({ type: 'message_delta', usage: { input_tokens: 3, output_tokens: 4 } }).trimEnd()
  const { finding, all } = whole('messages', text)
  assert.equal(finding.usage?.outputTokens, 4)
  assert.equal(all, text)
})

test('what began is not yet everything: a message that broke off has told its input only', () => {
  const start = event({ type: 'message_start', message: { usage: { input_tokens: 30, output_tokens: 1 } } })
  const { finding } = whole('messages', start)
  assert.deepEqual([finding.usage?.inputTokens, finding.isFinal, finding.isWhole], [30, false, false])
})

test('the last of several counts is the one that counts', () => {
  const delta = (output: number): string => event({ type: 'message_delta', usage: { output_tokens: output } })
  const { finding } = whole('messages', delta(5), delta(9), event({ type: 'message_stop' }))
  assert.equal(finding.usage?.outputTokens, 9)
})

const errors: Readonly<Record<string, readonly [Protocol, data: unknown, error: string]>> = {
  "Anthropic's": ['messages', { type: 'error', error: { type: 'overloaded_error', message: '' } }, 'overloaded_error'],
  "OpenAI's in a chat": ['chat', { error: { message: '', type: 'server_error', code: null } }, 'server_error'],
  'a code before a type': ['chat', { error: { type: 'server_error', code: 'quota' } }, 'quota'],
  'an error of responses': ['responses', { type: 'error', code: 'rate_limit', message: '', error: null }, 'rate_limit'],
  'a response that failed': [
    'responses',
    { type: 'response.failed', response: { error: { code: 'server_error' } } },
    'server_error',
  ],
  'an error that is a sentence': ['chat', { error: 'broken' }, 'error'],
  'an error that is a number': ['chat', { error: { code: 500 } }, 'error'],
  'an error with a long name': ['chat', { error: { code: 'x'.repeat(300) } }, 'x'.repeat(255)],
  'an error in a stream that is passed through': ['opaque', { error: { type: 'server_error' } }, 'server_error'],
}

for (const [what, [protocol, data, error]] of Object.entries(errors)) {
  test(`an error inside a stream ends it, and is named: ${what}`, () => {
    const { finding, hasEnded, passed } = whole(protocol, event(data))
    assert.deepEqual([finding.error, finding.isWhole, hasEnded, passed], [error, true, true, ''])
  })
}

test('what is not an error is not taken for one', () => {
  for (const data of [
    { error: null },
    { choices: [{ delta: { content: 'error' } }] },
    '"error"',
    '{"error":',
    'null',
  ]) {
    assert.equal(whole('chat', event(data)).finding.error, undefined, JSON.stringify(data))
  }
})

test('an event that is no JSON passes as it came', () => {
  const text = event('{"usage":{') + event('[DONE] [DONE]') + event('"usage":{}')
  const { all, finding } = whole('chat', text)
  assert.equal(all, text)
  assert.deepEqual([finding.usage, finding.isWhole], [undefined, false])
})

test('a stream that is passed through is whole without an end that we know', () => {
  const text = event({ type: 'image_generation.partial_image' })
  const nothing = { usage: undefined, isFinal: false, isWhole: true, error: undefined, told: NOTHING_TOLD }
  assert.deepEqual(whole('opaque', text).finding, nothing)
  const done = event({ type: 'image_generation.completed', usage: { input_tokens: 5, output_tokens: 7 } })
  assert.equal(whole('opaque', text, done).finding.usage?.outputTokens, 7)
})

test('only the chunk that has nothing but usage is hidden', () => {
  const first = event({ choices: [], prompt_filter_results: [] })
  const last = event({ choices: [{ index: 0, finish_reason: 'stop' }] })
  const usage = event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } })
  const { all } = scanned('chat', [Buffer.from(first + last + usage + event('[DONE]'))], true)
  assert.equal(all, first + last + event('[DONE]'))
})

test('usage so far in every chunk is final only with the last one', () => {
  const soFar = (tokens: number, reason: string | null) =>
    event({ choices: [{ finish_reason: reason }], usage: { prompt_tokens: 3, completion_tokens: tokens } })
  const cut = scanned('chat', [Buffer.from(soFar(1, null) + soFar(2, null))]).finding
  assert.deepEqual([cut.usage?.outputTokens, cut.isFinal, cut.isWhole], [2, false, false])
  const ended = scanned('chat', [Buffer.from(soFar(1, null) + soFar(2, null) + event('[DONE]'))]).finding
  assert.deepEqual([ended.usage?.outputTokens, ended.isFinal, ended.isWhole], [2, true, true])
  const finished = scanned('chat', [Buffer.from(soFar(1, null) + soFar(2, 'stop'))]).finding
  assert.deepEqual([finished.usage?.outputTokens, finished.isFinal, finished.isWhole], [2, true, true])
})

test('a last event without its blank line is read, and hidden if it has to be', () => {
  const text = event({ choices: [{ delta: { content: 'x' } }] })
  const usage = 'data: {"choices":[],"usage": {"prompt_tokens":3,"completion_tokens":4}}'
  const { all, finding } = scanned('chat', [Buffer.from(text + usage)], true)
  assert.equal(all, text)
  assert.deepEqual([finding.usage?.outputTokens, finding.isWhole], [4, true])
})

test('a null usage is hidden however it is spaced', () => {
  const { all } = scanned('chat', [Buffer.from('data: {"id":"ü", "usage": null}\n\ndata: [DONE]\n\n')], true)
  assert.equal(Buffer.from(all, 'latin1').toString(), 'data: {"id":"ü"}\n\ndata: [DONE]\n\n')
})

test('a stream that breaks off leaves no half event behind', () => {
  const scan = new StreamScan('chat', false)
  assert.equal(scan.push(Buffer.from('data: {}\n\ndata: {"cho'))?.toString(), 'data: {}\n\n')
  assert.equal(scan.find(true).isWhole, false)
  assert.equal(scan.rest(), undefined)
})

test('an event without an end is not collected for ever', () => {
  const scan = new StreamScan('chat', false)
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  assert.throws(
    () => {
      for (let count = 0; count < 40; count++) scan.push(megabyte)
    },
    (error) => error instanceof GatewayError && error.code === 'upstream_broken',
  )
})
