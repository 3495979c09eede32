import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Format } from '../../../proxy/format/format.ts'
import { translateRequest } from '../../../proxy/format/translate.ts'
import { smallest } from './samples.ts'

const lost = (from: Format, to: Format, asked: object) =>
  translateRequest({ ...smallest[from], ...asked }, from, to).lost

test('a field that nobody knows is lost by its name, wherever it stands', () => {
  const cached = { cache_control: { type: 'ephemeral' } }
  const asked = {
    ...cached,
    future: 1,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', ...cached }], future: 1 }],
    tools: [{ name: 'toll', input_schema: {}, ...cached }],
    metadata: { future: 1 },
    thinking: { type: 'adaptive', future: 1 },
  }
  assert.deepEqual(lost('messages', 'chat', asked), [
    'messages[].future',
    'messages[].content[].cache_control',
    'tools[].cache_control',
    'thinking.future',
    'metadata.future',
    'cache_control',
    'future',
  ])
})

test('fields that only one format has are lost, and those that say nothing are not', () => {
  const penalties = {
    frequency_penalty: 0.5,
    presence_penalty: 0,
    logit_bias: {},
    logprobs: false,
    seed: 0,
    store: false,
  }
  assert.deepEqual(lost('chat', 'messages', penalties), ['frequency_penalty', 'seed'])
  assert.deepEqual(lost('responses', 'messages', { truncation: 'auto', max_tool_calls: 3, store: true }), [
    'truncation',
    'max_tool_calls',
    'store',
  ])
  assert.deepEqual(lost('responses', 'chat', { truncation: 'disabled', include: ['file_search_call.results'] }), [
    'include',
  ])
})

test('a name is told once, however often the field stands there, and never with its value', () => {
  const message = { role: 'user', content: 'secret', name: 'secret' }
  assert.deepEqual(lost('chat', 'messages', { messages: [message, message, message] }), ['messages[].name'])
})

test('names are few, short and printable, whatever a caller makes up', () => {
  const names = ['é\r\nx-evil: 1', 'a,b', 'n'.repeat(1000), ...Array.from({ length: 1000 }, (_, index) => `f${index}`)]
  const found = lost('chat', 'messages', Object.fromEntries(names.map((name) => [name, 1])))
  assert.equal(found.length, 32)
  assert.deepEqual(found.slice(0, 4), ['???x-evil:?1', 'a?b', 'n'.repeat(64), 'f0'])
})

test('a field with the name of a built-in is a field like any other', () => {
  const asked: unknown = JSON.parse('{"model":"m","messages":[],"__proto__":{"stream":true},"constructor":1}')
  const { body, lost: names } = translateRequest(asked, 'chat', 'messages')
  assert.equal(body['stream'], undefined)
  assert.deepEqual(names, ['__proto__', 'constructor'])
})
