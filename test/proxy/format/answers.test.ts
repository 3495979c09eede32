import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FormatError } from '../../../proxy/format/format.ts'
import { type Json, objectOf, objectsOf } from '../../../proxy/format/json.ts'
import { translateAnswer } from '../../../proxy/format/translate.ts'
import { context, formats } from './samples.ts'

const message = (more: Json): Json => ({
  id: 'msg_1',
  model: 'claude',
  content: [{ type: 'text', text: 'Hi' }],
  ...more,
})
const completion = (finish: string, said: Json = { content: 'Hi' }): Json => ({
  id: 'chatcmpl-1',
  choices: [{ index: 0, message: { role: 'assistant', ...said }, finish_reason: finish }],
})
const response = (more: Json): Json => ({ id: 'resp_1', status: 'completed', output: [], ...more })
const calling = {
  content: null,
  tool_calls: [{ id: 'c', type: 'function', function: { name: 'toll', arguments: '{}' } }],
}
const called = { type: 'function_call', call_id: 'c', name: 'toll', arguments: '{}' }
const incomplete = (reason: string) => ({ status: 'incomplete', incomplete_details: { reason } })

const finishOf = (body: Json) => objectsOf(body['choices'])[0]?.['finish_reason']
const statusOf = (body: Json) => ({ status: body['status'], incomplete_details: body['incomplete_details'] })
const completed = { status: 'completed', incomplete_details: null }

const fromMessages: readonly (readonly [reason: string, finish: string, status: Json])[] = [
  ['end_turn', 'stop', completed],
  ['stop_sequence', 'stop', completed],
  ['pause_turn', 'stop', completed],
  ['tool_use', 'tool_calls', completed],
  ['max_tokens', 'length', incomplete('max_output_tokens')],
  ['model_context_window_exceeded', 'length', incomplete('max_output_tokens')],
  ['refusal', 'content_filter', incomplete('content_filter')],
  ['a_future_reason', 'stop', completed],
]
for (const [reason, finish, status] of fromMessages) {
  test(`stop_reason ${reason} is finish_reason ${finish} and status ${String(status['status'])}`, () => {
    const body = message({ stop_reason: reason })
    assert.equal(finishOf(translateAnswer(body, 'messages', 'chat', context).body), finish)
    assert.deepEqual(statusOf(translateAnswer(body, 'messages', 'responses', context).body), status)
  })
}

const toMessages: readonly (readonly [what: string, chat: Json, responses: Json, reason: string])[] = [
  ['the end', completion('stop'), response({}), 'end_turn'],
  ['calls', completion('tool_calls', calling), response({ output: [called] }), 'tool_use'],
  ['calls of a server that says stop', completion('stop', calling), response({ output: [called] }), 'tool_use'],
  ['the maximum', completion('length'), response(incomplete('max_output_tokens')), 'max_tokens'],
  ['a filter', completion('content_filter'), response(incomplete('content_filter')), 'refusal'],
  [
    'a refusal',
    completion('stop', { content: null, refusal: 'No.' }),
    response({ output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }] }),
    'refusal',
  ],
]
for (const [what, chat, responses, reason] of toMessages) {
  test(`${what} of OpenAI's formats is stop_reason ${reason}`, () => {
    assert.equal(translateAnswer(chat, 'chat', 'messages', context).body['stop_reason'], reason)
    assert.equal(translateAnswer(responses, 'responses', 'messages', context).body['stop_reason'], reason)
  })
}

test('a refusal of chat is one of Responses, and back', () => {
  const { body } = translateAnswer(completion('stop', { content: null, refusal: 'No.' }), 'chat', 'responses', context)
  assert.deepEqual(objectsOf(body['output'])[0]?.['content'], [{ type: 'refusal', refusal: 'No.' }])
  const back = translateAnswer(body, 'responses', 'chat', context).body
  assert.deepEqual(objectsOf(back['choices'])[0]?.['message'], { role: 'assistant', content: null, refusal: 'No.' })
})

test("cached input is beside Anthropic's input and inside OpenAI's; thoughts are inside the output of both", () => {
  const usage = {
    input_tokens: 5,
    cache_read_input_tokens: 70,
    cache_creation_input_tokens: 600,
    output_tokens: 40,
    output_tokens_details: { thinking_tokens: 30 },
  }
  const chat = translateAnswer(message({ usage }), 'messages', 'chat', context).body
  const expected = {
    prompt_tokens: 675,
    prompt_tokens_details: { cached_tokens: 70, cache_write_tokens: 600 },
    completion_tokens: 40,
    completion_tokens_details: { reasoning_tokens: 30 },
    total_tokens: 715,
  }
  assert.deepEqual(chat['usage'], expected)
  const responses = translateAnswer(chat, 'chat', 'responses', context).body
  const back = translateAnswer(responses, 'responses', 'messages', context).body
  const found = objectOf(back['usage'])
  assert.deepEqual(Object.fromEntries(Object.keys(usage).map((name) => [name, found[name]])), usage)
})

test('usage without details is all input and output', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
  const { body } = translateAnswer({ ...completion('stop'), usage }, 'chat', 'responses', context)
  assert.deepEqual(body['usage'], {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 7,
  })
})

test('an answer without usage, id, time and model takes what it is given, and does not make usage up', () => {
  const given = { ...context, model: 'my-alias' }
  const chat = translateAnswer({ content: [] }, 'messages', 'chat', given).body
  assert.deepEqual([chat['id'], chat['created'], chat['model']], ['chatcmpl-01K0TOLL', 1_760_000_000, 'my-alias'])
  assert.equal('usage' in chat, false)
  const responses = translateAnswer({ content: [] }, 'messages', 'responses', given).body
  assert.deepEqual([responses['id'], responses['usage']], ['resp_01K0TOLL', null])
})

test('what the caller has no place for is told', () => {
  const lostOf = (body: Json, from: 'messages' | 'chat' | 'responses', to: 'messages' | 'chat') =>
    translateAnswer(body, from, to, context).lost
  const content = [{ type: 'text', text: 'Hi', citations: [{ type: 'char_location' }] }, { type: 'server_tool_use' }]
  const details = { content, stop_sequence: 'END', stop_details: { type: 'refusal' } }
  assert.deepEqual(lostOf(message(details), 'messages', 'chat'), [
    'content[].citations',
    'content[].server_tool_use',
    'stop_details',
    'stop_sequence',
  ])
  const choices = [{ message: { content: 'Hi', annotations: [{}], audio: {} }, logprobs: {} }, { message: {} }]
  assert.deepEqual(lostOf({ choices }, 'chat', 'messages'), [
    'choices[]',
    'choices[].logprobs',
    'choices[].message.annotations',
    'choices[].message.audio',
  ])
  const output = [
    { type: 'message', content: [{ type: 'output_text', text: 'Hi', annotations: [{}], logprobs: [{}] }] },
    { type: 'web_search_call' },
    { ...called, arguments: '{' },
  ]
  assert.deepEqual(lostOf(response({ output }), 'responses', 'messages'), [
    'output[].content[].annotations',
    'output[].content[].logprobs',
    'output[].web_search_call',
    'output[].arguments',
  ])
})

test('open thoughts of other servers are thoughts, under either name', () => {
  for (const name of ['reasoning_content', 'reasoning']) {
    const { body } = translateAnswer(completion('stop', { content: 'Hi', [name]: 'Hm' }), 'chat', 'messages', context)
    assert.deepEqual(objectsOf(body['content'])[0], { type: 'thinking', thinking: 'Hm', signature: '' })
  }
})

test('what is no answer is not translated into one', () => {
  for (const from of formats) {
    for (const body of [null, [], 'x', {}, { error: { message: 'x' } }]) {
      assert.throws(() => translateAnswer(body, from, 'chat', context), FormatError)
    }
  }
  const failed = response({ status: 'failed', error: { code: 'server_error', message: 'Out of order.' } })
  assert.throws(() => translateAnswer(failed, 'responses', 'chat', context), new FormatError('Out of order.'))
})
