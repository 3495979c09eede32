import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Format } from '../../../proxy/format/format.ts'
import { type Json, objectOf, objectsOf } from '../../../proxy/format/json.ts'
import { StreamTranslator } from '../../../proxy/format/stream-translator.ts'
import { cutAt, cuts } from '../../support/event-streams.ts'
import { rounds } from '../../support/rounds.ts'
import { context, formats, streamOf, translated } from './samples.ts'

const golden = (format: Format): Buffer => readFileSync(new URL(`golden/${format}-stream.txt`, import.meta.url))
const others = (format: Format) => formats.filter((each) => each !== format)

for (const from of formats) {
  for (const to of others(from)) {
    test(`a stream of ${from} for ${to} is the same however it is cut and however its lines end`, () => {
      const expected = translated(from, to, [golden(from)]).text
      const withCrlf = Buffer.from(String(golden(from)).replaceAll('\n', '\r\n'))
      fc.assert(
        fc.property(cuts, fc.boolean(), (where, isCrlf) => {
          const chunks = cutAt(isCrlf ? withCrlf : golden(from), where)
          assert.equal(translated(from, to, chunks).text, expected)
        }),
        rounds(40),
      )
    })

    test(`a stream of ${from} that breaks off is given no end for ${to}`, () => {
      const whole = translated(from, to, [golden(from)])
      const stream = golden(from)
      for (let length = 0; length < stream.length - 200; length += 97) {
        const { text } = translated(from, to, [stream.subarray(0, length)])
        assert.ok(whole.text.startsWith(text), 'what came is passed on, and nothing else')
        assert.doesNotMatch(text, /message_stop|\[DONE\]|response\.(?:completed|incomplete|failed)|"error":\{/)
      }
    })
  }
}

test('a chat stream tells its usage only to a caller who asked', () => {
  const told = translated('messages', 'chat', [golden('messages')], true).events
  assert.ok(told.slice(0, -2).every((chunk) => chunk['usage'] === null))
  assert.deepEqual(objectOf(told.at(-2)?.['usage'])['total_tokens'], 589)
  const untold = translated('messages', 'chat', [golden('messages')], false).events
  assert.equal(untold.length, told.length - 1)
  assert.ok(untold.every((chunk) => !('usage' in chunk)))
})

test('events of Responses are numbered without a gap, and the last one repeats the finished items', () => {
  const { events } = translated('messages', 'responses', [golden('messages')])
  assert.deepEqual(
    events.map((event) => event['sequence_number']),
    [...events.keys()],
  )
  const done = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item)
  const response = objectOf(events.at(-1)?.['response'])
  assert.deepEqual(response['output'], done)
  assert.deepEqual([done.length, response['status']], [3, 'completed'])
})

const message = { error: { type: 'overloaded_error', message: 'Overloaded' } }
const failures: Readonly<Record<Format, readonly Json[]>> = {
  messages: [{ type: 'error', ...message }],
  chat: [message],
  responses: [
    { type: 'error', code: 'server_is_overloaded', message: 'Overloaded', param: null },
    { type: 'response.failed', response: { error: { code: 'server_is_overloaded', message: 'Overloaded' } } },
  ],
}
const told: Readonly<Record<Format, Json>> = {
  messages: { type: 'error', ...message },
  chat: { error: { message: 'Overloaded', type: 'server_error', param: null, code: 'server_is_overloaded' } },
  responses: { type: 'error', code: 'server_is_overloaded', message: 'Overloaded', param: null },
}

for (const from of formats) {
  for (const to of others(from)) {
    for (const failure of failures[from]) {
      test(`an error in a stream of ${from} (${String(failure['type'])}) is the error of ${to}, and its end`, () => {
        const head = golden(from).subarray(0, golden(from).indexOf('\n\n') + 2)
        const after = streamOf(from, [failure, failure])
        const { events, text } = translated(from, to, [head, after, golden(from)])
        const { sequence_number: _, ...last } = events.at(-1) ?? {}
        assert.deepEqual(last, told[to])
        assert.equal(text.match(/Overloaded/g)?.length, 1)
        assert.equal(text.includes('event: error'), to !== 'chat')
      })
    }
  }
}

test('an event larger than 32 MiB is an error, and what follows is not read', () => {
  const translator = new StreamTranslator('chat', 'messages', { ...context, wantsUsage: true })
  const half = Buffer.alloc(16 * 1024 * 1024, 'a')
  assert.equal(translator.push(Buffer.from('data: ')), undefined)
  assert.equal(translator.push(half), undefined)
  assert.match(String(translator.push(half)), /^event: error\ndata: .*too large/)
  assert.equal(translator.push(golden('chat')), undefined)
  assert.equal(translator.end(), undefined)
})

test('an answer that is longer than any is an error before memory is full', () => {
  const translator = new StreamTranslator('chat', 'responses', { ...context, wantsUsage: true })
  const text = streamOf('chat', [{ choices: [{ index: 0, delta: { content: 'a'.repeat(4 * 1024 * 1024) } }] }])
  const outputs = Array.from({ length: 9 }, () => String(translator.push(text) ?? ''))
  assert.equal(
    outputs.findIndex((output) => output.includes('event: error')),
    7,
  )
  assert.equal(outputs[8], '')
})

const delta = (more: object, finish: string | null = null) => ({
  id: 'c',
  choices: [{ index: 0, delta: more, finish_reason: finish }],
})
const call = (index: number | undefined, id: string | undefined, input: string) =>
  delta({
    tool_calls: [
      {
        ...(index === undefined ? {} : { index }),
        ...(id ? { id } : {}),
        function: { name: 'toll', arguments: input },
      },
    ],
  })

test('tool calls of servers that leave out the index or repeat the id are told apart', () => {
  const ends = [delta({}, 'stop'), '[DONE]']
  const inputs = (events: readonly (Json | string)[]) =>
    objectsOf(
      objectOf(translated('chat', 'responses', [streamOf('chat', [...events, ...ends])]).events.at(-1)?.['response'])[
        'output'
      ],
    ).map((item) => [item['call_id'], item['arguments']])
  const expected = [
    ['a', '{"n":1}'],
    ['b', '{}'],
  ]
  assert.deepEqual(
    inputs([call(undefined, 'a', '{"n"'), call(undefined, undefined, ':1}'), call(undefined, 'b', '{}')]),
    expected,
  )
  assert.deepEqual(inputs([call(0, 'a', '{"n"'), call(0, 'a', ':1}'), call(1, 'b', '{}')]), expected)
  // In turns, by the index or by the id.
  for (const [one, other, more] of [
    [
      call(0, 'a', ''),
      call(1, 'b', ''),
      [call(0, undefined, '{"n"'), call(1, undefined, '{}'), call(0, undefined, ':1}')],
    ],
    [call(0, 'a', '{"n"'), call(1, 'b', '{'), [call(0, undefined, ':1}'), call(1, undefined, '}')]],
    [call(undefined, 'a', '{"n"'), call(undefined, 'b', '{'), [call(undefined, 'a', ':1}'), call(undefined, 'b', '}')]],
  ] as const) {
    assert.deepEqual(inputs([one, other, ...more]), expected)
  }
})

test('a tool call goes on as soon as the one before it is whole', () => {
  const { events } = translated('chat', 'messages', [
    streamOf('chat', [call(0, 'a', '{"n"'), call(0, undefined, ':1}'), call(1, 'b', '{'), call(2, 'c', '{}')]),
  ])
  const types = ['content_block_start', 'content_block_delta', 'content_block_stop']
  const seen = events.map((event) => `${types.indexOf(String(event['type']))} ${String(event['index'])}`)
  assert.deepEqual(seen.slice(1), ['0 0', '1 0', '1 0', '2 0', '0 1', '1 1'], 'the third waits for the second')
})

test('a server that says everything but [DONE] has ended its stream', () => {
  const usage = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } }
  const events = [delta({ content: 'Hi' }), delta({}, 'stop')]
  const types = (sent: readonly Json[]) =>
    translated('chat', 'messages', [streamOf('chat', sent)]).events.at(-1)?.['type']
  assert.equal(types([...events, usage]), 'message_stop')
  assert.equal(types(events), 'content_block_stop')
})

const begun: Json = { type: 'message_start', message: { id: 'msg_1' } }
const broken: readonly (readonly [what: string, from: Format, events: readonly (Json | string)[]])[] = [
  ['no JSON', 'chat', ['{']],
  ['no object', 'messages', ['[]']],
  ['a piece of a closed call', 'chat', [call(0, 'a', '{}'), call(1, 'b', '{'), call(0, undefined, '}')]],
  ['no beginning', 'messages', [opened(0)]],
  ['a block in a block', 'messages', [begun, opened(0), opened(1)]],
  ['a piece of another block', 'messages', [begun, opened(0), { type: 'content_block_delta', index: 1, delta: {} }]],
  ['a block that was not open', 'messages', [begun, { type: 'content_block_stop', index: 0 }]],
  ['an item in an item', 'responses', [added(0), added(1)]],
  [
    'a piece of another item',
    'responses',
    [added(0), { type: 'response.output_text.delta', output_index: 1, delta: 'x' }],
  ],
]
for (const [what, from, events] of broken) {
  test(`a stream of ${from} with ${what} ends with an error rather than a wrong answer`, () => {
    for (const to of others(from)) {
      const { text } = translated(from, to, [streamOf(from, events)])
      assert.match(text, /The upstream (?:sent|began) /, to)
    }
  })
}

function opened(index: number): Json {
  return { type: 'content_block_start', index, content_block: { type: 'text', text: '' } }
}

function added(index: number): Json {
  return { type: 'response.output_item.added', output_index: index, item: { type: 'message', content: [] } }
}
