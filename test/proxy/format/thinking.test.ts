import assert from 'node:assert/strict'
import { test } from 'node:test'
import { translateAnswer, translateRequest } from '../../../proxy/format/translate.ts'
import { type Case, checkCase, context, smallest } from './samples.ts'

const efforts: readonly (readonly [effort: string, adaptive: string, budget: number])[] = [
  ['minimal', 'low', 1024],
  ['low', 'low', 2048],
  ['medium', 'medium', 8192],
  ['high', 'high', 16_384],
  ['xhigh', 'xhigh', 32_768],
  ['max', 'max', 65_536],
]
const roomy = { max_completion_tokens: 200_000 }

const tables = efforts.flatMap(([effort, adaptive, budget]): readonly Case[] => [
  {
    what: `effort ${effort} for a Claude that decides itself`,
    from: 'chat',
    to: 'messages',
    asked: { ...roomy, model: 'claude-sonnet-5', reasoning_effort: effort },
    becomes: { thinking: { type: 'adaptive' }, output_config: { effort: adaptive } },
  },
  {
    what: `effort ${effort} for a Claude with a budget`,
    from: 'chat',
    to: 'messages',
    asked: { ...roomy, model: 'claude-haiku-4-5-20251001', reasoning_effort: effort },
    becomes: { thinking: { type: 'enabled', budget_tokens: budget }, output_config: undefined },
  },
])

const budgets = (
  [
    [1024, 'low'],
    [4096, 'low'],
    [4097, 'medium'],
    [16_383, 'medium'],
    [60_000, 'high'],
  ] as const
).flatMap(([budget, effort]): readonly Case[] => {
  const asked = { thinking: { type: 'enabled', budget_tokens: budget } }
  const what = `a budget of ${budget}`
  return [
    { what, from: 'messages', to: 'chat', asked, becomes: { reasoning_effort: effort } },
    {
      what,
      from: 'messages',
      to: 'responses',
      asked,
      becomes: { reasoning: { effort }, include: ['reasoning.encrypted_content'] },
    },
  ]
})

const tool = { type: 'function', function: { name: 'toll' } }
const manual = { ...roomy, model: 'claude-haiku-4-5', reasoning_effort: 'low' }
const singular: readonly Case[] = [
  {
    what: 'no thinking',
    from: 'messages',
    to: 'responses',
    asked: { thinking: { type: 'disabled' } },
    becomes: { reasoning: { effort: 'none' }, include: undefined },
  },
  {
    what: 'no thinking',
    from: 'chat',
    to: 'messages',
    asked: { reasoning_effort: 'none' },
    becomes: { thinking: { type: 'disabled' }, output_config: undefined },
  },
  {
    what: 'the effort of Messages before its budget',
    from: 'messages',
    to: 'chat',
    asked: { thinking: { type: 'enabled', budget_tokens: 1024 }, output_config: { effort: 'max' } },
    becomes: { reasoning_effort: 'max' },
  },
  {
    what: 'a summary, both ways',
    from: 'responses',
    to: 'messages',
    asked: { reasoning: { effort: 'high', summary: 'auto' } },
    becomes: { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } },
  },
  {
    what: 'a summary, both ways',
    from: 'messages',
    to: 'responses',
    asked: { thinking: { type: 'adaptive', display: 'summarized' } },
    becomes: { reasoning: { summary: 'auto' } },
  },
  {
    what: 'a way of thinking that nobody else has',
    from: 'messages',
    to: 'chat',
    asked: { thinking: { type: 'between_tools' } },
    becomes: { reasoning_effort: undefined },
    lost: ['thinking'],
  },
  {
    what: 'an effort that nobody knows',
    from: 'chat',
    to: 'messages',
    asked: { reasoning_effort: 'wild' },
    becomes: { thinking: undefined },
    lost: ['reasoning_effort'],
  },
  {
    what: 'a budget that leaves half of the maximum to the answer',
    from: 'chat',
    to: 'messages',
    asked: { ...manual, max_completion_tokens: 3000 },
    becomes: { thinking: { type: 'enabled', budget_tokens: 1500 } },
  },
  {
    what: 'a maximum with no room for thoughts',
    from: 'chat',
    to: 'messages',
    asked: { ...manual, max_completion_tokens: 2000 },
    becomes: { thinking: undefined },
    lost: ['reasoning_effort'],
  },
  {
    what: 'a tool that must be called, which does not go with a budget',
    from: 'chat',
    to: 'messages',
    asked: { ...manual, tools: [tool], tool_choice: 'required' },
    becomes: { thinking: undefined },
    lost: ['reasoning_effort'],
  },
  {
    what: 'a tool that must be called, which leaves the effort',
    from: 'chat',
    to: 'messages',
    asked: { reasoning_effort: 'low', tools: [tool], tool_choice: tool },
    becomes: { thinking: undefined, output_config: { effort: 'low' } },
  },
]

const sampling = (model: string, asked: object, becomes: object, lost: readonly string[] = []): Case => ({
  what: `${JSON.stringify(asked)} for ${model}`,
  from: 'chat',
  to: 'messages',
  asked: { model, ...asked },
  becomes: { temperature: undefined, top_p: undefined, ...becomes },
  lost,
})
const samplings: readonly Case[] = [
  sampling('claude-opus-4-6', { temperature: 0.3 }, { temperature: 0.3 }),
  sampling('claude-opus-4-6', { temperature: 0 }, { temperature: 0 }),
  sampling('claude-opus-4-6', { temperature: 1.5 }, { temperature: 1 }, ['temperature']),
  sampling('claude-3-haiku', { temperature: 0.3, top_p: 0.5 }, { temperature: 0.3 }, ['top_p']),
  sampling('claude-opus-4-6', { top_p: 0.5 }, { top_p: 0.5 }),
  sampling('claude-opus-4-7', { temperature: 0.3 }, {}, ['temperature']),
  sampling('claude-sonnet-5', { temperature: 1, top_p: 0.5 }, {}, ['top_p']),
  sampling('anthropic.claude-haiku-5-5-v1:0', { temperature: 0 }, {}, ['temperature']),
  sampling('claude-latest', { temperature: 0 }, {}, ['temperature']),
  sampling('claude-opus-4-6', { temperature: 0.3, top_p: 0.97, reasoning_effort: 'low' }, { top_p: 0.97 }, [
    'temperature',
  ]),
  sampling('claude-opus-4-6', { temperature: 1, top_p: 0.5, reasoning_effort: 'low' }, {}, ['top_p']),
  sampling('glm-5', { temperature: 0.3, top_p: 0.5 }, { temperature: 0.3, top_p: 0.5 }),
]

for (const each of [...tables, ...budgets, ...singular, ...samplings]) {
  test(`thinking and sampling of ${each.from} for ${each.to}: ${each.what}`, () => checkCase(each))
}

const thinking = { type: 'thinking', thinking: 'Hm.', signature: 'EqoB' }
const redacted = { type: 'redacted_thinking', data: 'EmwK' }
const message = { id: 'msg_1', type: 'message', model: 'claude-opus-4-6', stop_reason: 'end_turn' }

test("Anthropic's thoughts come back unchanged from a caller of Responses, and so they are accepted", () => {
  const { body } = translateAnswer({ ...message, content: [thinking, redacted] }, 'messages', 'responses', context)
  const again = translateRequest({ ...smallest.responses, input: body['output'] }, 'responses', 'messages')
  assert.deepEqual(again.body['messages'], [{ role: 'assistant', content: [thinking, redacted] }])
  assert.deepEqual(again.lost, [])
})

const reasoning = {
  type: 'reasoning',
  id: 'rs_1',
  summary: [{ type: 'summary_text', text: 'Hm.' }],
  encrypted_content: 'gA.A',
}

test("OpenAI's thoughts come back unchanged from a caller of Messages, with their id", () => {
  const answer = { id: 'resp_1', status: 'completed', output: [reasoning] }
  const { body } = translateAnswer(answer, 'responses', 'messages', context)
  const asked = { ...smallest.messages, messages: [{ role: 'assistant', content: body['content'] }] }
  assert.deepEqual(translateRequest(asked, 'messages', 'responses').body['input'], [reasoning])
})

test('thoughts of another provider are lost, for it would refuse them', () => {
  const messages = [{ role: 'assistant', content: [thinking] }]
  const { body, lost } = translateRequest({ ...smallest.messages, messages }, 'messages', 'responses')
  assert.deepEqual(body['input'], [])
  assert.ok(lost.includes('messages[].content[].thinking'))
  const back = translateRequest({ ...smallest.responses, input: [reasoning] }, 'responses', 'messages')
  assert.deepEqual([back.body['messages'], back.lost], [[], ['input[].reasoning']])
})

test('a Claude with a budget that has lost the thoughts behind a tool call is not asked to think', () => {
  const input = [
    { type: 'function_call', call_id: 'c', name: 'toll', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c', output: '7' },
  ]
  const asked = { ...smallest.responses, model: 'claude-haiku-4-5', reasoning: { effort: 'low' } }
  const ask = (items: readonly object[]) => translateRequest({ ...asked, input: items }, 'responses', 'messages')
  assert.deepEqual(ask(input).lost, ['reasoning'])
  const kept = ask([{ ...reasoning, encrypted_content: 'tollgate.signature.EqoB' }, ...input])
  assert.deepEqual([kept.lost, kept.body['thinking']], [[], { type: 'enabled', budget_tokens: 2048 }])
})
