import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Json, objectOf, objectsOf } from '../../../proxy/format/json.ts'
import { streamOf, translated } from './samples.ts'

const started: Json = {
  type: 'message_start',
  message: { id: 'msg_1', model: 'claude', content: [], usage: { input_tokens: 3 } },
}
const ended: readonly Json[] = [
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
]
const block = (index: number, content: Json, ...deltas: readonly Json[]): readonly Json[] => [
  { type: 'content_block_start', index, content_block: content },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]

function ofMessages(...blocks: readonly (readonly Json[])[]) {
  const { events, lost } = translated('messages', 'responses', [
    streamOf('messages', [started, ...blocks.flat(), { type: 'ping' }, { type: 'future' }, ...ended]),
  ])
  return { output: objectsOf(objectOf(events.at(-1)?.['response'])['output']), lost }
}

function ofResponses(...items: readonly Json[]) {
  const created = { type: 'response.created', response: { id: 'resp_1' } }
  const completed = { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } }
  return translated('responses', 'messages', [streamOf('responses', [created, ...items, completed])])
}

test('blocks that nobody else has are left out of a stream and told', () => {
  const { output, lost } = ofMessages(
    block(0, { type: 'server_tool_use', id: 's' }, { type: 'input_json_delta', partial_json: '{}' }),
    block(1, { type: 'text', text: 'A' }, { type: 'text_delta', text: 'B' }, { type: 'citations_delta', citation: {} }),
  )
  assert.deepEqual(lost, ['content[].server_tool_use', 'content[].citations'])
  assert.deepEqual(
    output.map(({ content }) => objectsOf(content)[0]?.['text']),
    ['AB'],
  )
})

test("a tool's input that comes whole at its beginning is not lost, nor told twice", () => {
  const tool = { type: 'tool_use', id: 'c', name: 'toll', input: { n: 1 } }
  const { output } = ofMessages(block(0, tool), block(1, tool, { type: 'input_json_delta', partial_json: '{"n": 2}' }))
  assert.deepEqual(
    output.map((item) => item['arguments']),
    ['{"n":1}', '{"n": 2}'],
  )
})

test('redacted and wordless thoughts keep their seals', () => {
  const { output } = ofMessages(
    block(0, { type: 'redacted_thinking', data: 'EmwK' }),
    block(1, { type: 'thinking', thinking: '', signature: '' }, { type: 'signature_delta', signature: 'EqoB' }),
  )
  assert.deepEqual(
    output.map(({ summary, encrypted_content: sealed }) => [summary, sealed]),
    [
      [[], 'tollgate.redacted.EmwK'],
      [[], 'tollgate.signature.EqoB'],
    ],
  )
})

test('a server of Responses that sends only finished items says as much as one that sends pieces', () => {
  const item = (index: number, more: Json) => ({ type: 'response.output_item.done', output_index: index, item: more })
  const { events } = ofResponses(
    item(0, { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gA' }),
    item(1, { type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }),
    {
      type: 'response.output_item.added',
      output_index: 2,
      item: { type: 'function_call', call_id: 'c', name: 'toll' },
    },
    item(2, { type: 'function_call', call_id: 'c', name: 'toll', arguments: '{"n":1}' }),
  )
  assert.deepEqual(
    events.flatMap(({ content_block: opened, delta }) => [opened, delta].filter((each) => each !== undefined)),
    [
      { type: 'thinking', thinking: '', signature: 'tollgate.encrypted.rs_1.gA' },
      { type: 'text', text: '', citations: null },
      { type: 'text_delta', text: 'Hi' },
      { type: 'tool_use', id: 'c', name: 'toll', input: {}, caller: { type: 'direct' } },
      { type: 'input_json_delta', partial_json: '{"n":1}' },
      { stop_reason: 'tool_use', stop_sequence: null, stop_details: null, container: null },
    ],
  )
})

test('an error that nobody knows, in a stream, is one of the server', () => {
  const sent = streamOf('chat', [{ error: { code: 7, type: 'weird', message: null } }])
  const error = { type: 'api_error', message: 'The upstream reported an error.' }
  assert.deepEqual(translated('chat', 'messages', [sent]).events, [{ type: 'error', error }])
})

test('a keepalive in the middle of an item is passed over', () => {
  const { text } = ofResponses(
    { type: 'response.output_item.added', output_index: 0, item: { type: 'message', content: [] } },
    { type: 'keepalive', sequence_number: 3 },
    { type: 'response.output_text.delta', output_index: 0, delta: 'Hi' },
    { type: 'response.output_item.done', output_index: 0, item: { type: 'message' } },
  )
  assert.match(text, /"Hi"[^]*message_stop/)
})

test('open thoughts and their seal are one part', () => {
  const at = { output_index: 0, content_index: 0 }
  const { events } = ofResponses(
    { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning', id: 'rs_1', summary: [] } },
    { type: 'response.content_part.added', ...at, part: { type: 'reasoning_text', text: '' } },
    { type: 'response.reasoning_text.delta', ...at, delta: 'Hm.' },
    { type: 'response.content_part.done', ...at, part: { type: 'reasoning_text', text: 'Hm.' } },
    {
      type: 'response.output_item.done',
      output_index: 0,
      item: { type: 'reasoning', id: 'rs_1', encrypted_content: 'gA' },
    },
  )
  assert.deepEqual(
    events.flatMap(({ delta }) => (objectOf(delta)['stop_reason'] === undefined && delta !== undefined ? [delta] : [])),
    [
      { type: 'thinking_delta', thinking: 'Hm.' },
      { type: 'signature_delta', signature: 'tollgate.encrypted.rs_1.gA' },
    ],
  )
})

test('a block that is open at the end of its message is closed with it', () => {
  const { output } = ofMessages(block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'Hi' }).slice(0, -1))
  assert.deepEqual(objectsOf(output[0]?.['content'])[0]?.['text'], 'Hi')
})

test('a refusal in pieces is a refusal for everybody', () => {
  const item = { type: 'message', id: 'msg_1', content: [] }
  const pieces = [
    { type: 'response.output_item.added', output_index: 0, item },
    { type: 'response.refusal.delta', output_index: 0, delta: 'No' },
    { type: 'response.refusal.delta', output_index: 0, delta: '.' },
    { type: 'response.output_text.annotation.added', output_index: 0 },
    { type: 'response.output_item.done', output_index: 0, item },
  ]
  const { events, lost } = ofResponses(...pieces)
  assert.deepEqual(objectOf(events.at(-2)?.['delta'])['stop_reason'], 'refusal')
  assert.deepEqual(lost, ['output[].content[].annotations'])
  const chat = [{ delta: { refusal: 'No' } }, { delta: { refusal: '.' } }, { delta: {}, finish_reason: 'stop' }]
  const sent = [...chat.map((choice) => ({ id: 'c', choices: [{ index: 0, ...choice }] })), '[DONE]']
  const types = translated('chat', 'responses', [streamOf('chat', sent)]).events
  assert.deepEqual(types.find(({ type }) => type === 'response.refusal.done')?.['refusal'], 'No.')
})

test('a caller of chat is told thoughts and not their seals', () => {
  const redacted = block(0, { type: 'redacted_thinking', data: 'EmwK' })
  const signed = block(0, { type: 'thinking', thinking: 'Hm.' }, { type: 'signature_delta', signature: 'EqoB' })
  const told = [redacted, signed].map((blocks) =>
    translated('messages', 'chat', [streamOf('messages', [started, ...blocks, ...ended])]),
  )
  for (const { lost, text } of told) {
    assert.deepEqual(lost, ['content[].signature'])
    assert.doesNotMatch(text, /EmwK|EqoB/)
  }
  assert.match(told[1]?.text ?? '', /"reasoning_content":"Hm\."/)
})

test('a call without arguments has JSON for its arguments all the same', () => {
  const tool = { type: 'tool_use', id: 'c', name: 'toll', input: {} }
  const sent = [started, ...block(0, tool, { type: 'input_json_delta', partial_json: '' }), ...ended]
  const { events } = translated('messages', 'chat', [streamOf('messages', sent)])
  const pieces = events.flatMap((chunk) =>
    objectsOf(chunk['choices']).flatMap((choice) => objectsOf(objectOf(choice['delta'])['tool_calls'])),
  )
  assert.deepEqual(
    pieces.map((piece) => objectOf(piece['function'])['arguments']),
    ['', '{}'],
  )
})
