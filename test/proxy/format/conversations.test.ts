import { test } from 'node:test'
import { type Case, checkCase } from './samples.ts'

const text = (words: string) => ({ type: 'text', text: words })
const user = (content: unknown) => ({ role: 'user', content })
const chatCall = (id: string, input: string) => ({ id, type: 'function', function: { name: 'toll', arguments: input } })
const chatCalling = (...calls: unknown[]) => ({ role: 'assistant', content: '', tool_calls: calls })
const toolUse = (id: string, input: unknown) => ({ type: 'tool_use', id, name: 'toll', input })

const systemPrompts: readonly Case[] = [
  {
    what: 'system prompts at the beginning',
    from: 'chat',
    to: 'messages',
    asked: { messages: [{ role: 'system', content: 'A' }, { role: 'developer', content: [text('B')] }, user('Hi')] },
    becomes: { system: [text('A'), text('B')], messages: [user('Hi')] },
  },
  {
    what: 'a system prompt in the middle, which moves to the beginning',
    from: 'responses',
    to: 'messages',
    asked: { input: [user('Hi'), { role: 'developer', content: 'Be short.' }] },
    becomes: { system: 'Be short.', messages: [user('Hi')] },
    lost: ['input[].role'],
  },
  {
    what: 'a system prompt in the middle, where it may stand',
    from: 'messages',
    to: 'chat',
    asked: { messages: [user('Hi'), { role: 'system', content: 'Be short.' }] },
    becomes: { messages: [user('Hi'), { role: 'system', content: 'Be short.' }] },
  },
  {
    what: 'a system prompt in pieces',
    from: 'messages',
    to: 'responses',
    asked: { system: [text('A'), text('B')] },
    becomes: {
      instructions: undefined,
      input: [
        {
          type: 'message',
          role: 'system',
          content: [
            { type: 'input_text', text: 'A' },
            { type: 'input_text', text: 'B' },
          ],
        },
        { type: 'message', role: 'user', content: 'Hi' },
      ],
    },
  },
]

const media: readonly Case[] = [
  {
    what: 'texts and small files of every kind',
    from: 'messages',
    to: 'chat',
    asked: {
      messages: [
        user([
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Plain' } },
          { type: 'document', source: { type: 'content', content: [text('In')] } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AA==' }, context: 'old' },
        ]),
      ],
    },
    becomes: {
      messages: [
        user([
          text('Plain'),
          text('In'),
          { type: 'file', file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,AA==' } },
        ]),
      ],
    },
    lost: ['messages[].content[].context'],
  },
  {
    what: 'a document by its address',
    from: 'messages',
    to: 'responses',
    asked: {
      messages: [user([{ type: 'document', source: { type: 'url', url: 'https://e.com/a.pdf' }, title: 'A' }])],
    },
    becomes: {
      input: [
        {
          type: 'message',
          role: 'user',
          content: [{ type: 'input_file', file_url: 'https://e.com/a.pdf', filename: 'A' }],
        },
      ],
    },
  },
]

const calls: readonly Case[] = [
  {
    what: 'the results of several calls in one message, before what the user says, with ids that Messages accepts',
    from: 'chat',
    to: 'messages',
    asked: {
      messages: [
        user('Hi'),
        chatCalling(chatCall('toll:0', '{"a":1}'), chatCall('toll:1', '')),
        { role: 'tool', tool_call_id: 'toll:0', content: 'one' },
        { role: 'tool', tool_call_id: 'toll:1', content: [text('two'), text('three')] },
        user('So?'),
      ],
    },
    becomes: {
      messages: [
        user('Hi'),
        { role: 'assistant', content: [toolUse('toll_0', { a: 1 }), toolUse('toll_1', {})] },
        user([
          { type: 'tool_result', tool_use_id: 'toll_0', content: 'one' },
          { type: 'tool_result', tool_use_id: 'toll_1', content: [text('two'), text('three')] },
          text('So?'),
        ]),
      ],
    },
  },
  {
    what: 'arguments that are broken JSON',
    from: 'chat',
    to: 'messages',
    asked: { messages: [user('Hi'), chatCalling(chatCall('c', '{"a":'))] },
    becomes: {
      messages: [user('Hi'), { role: 'assistant', content: [toolUse('c', { INVALID_JSON: '{"a":' })] }],
    },
    lost: ['messages[].tool_calls[].function.arguments'],
  },
  {
    what: 'a result that is an error, and a picture in it, which chat has as the words of the user only',
    from: 'messages',
    to: 'chat',
    asked: {
      messages: [
        user('Hi'),
        { role: 'assistant', content: [toolUse('c', { a: 1 })] },
        user([
          {
            type: 'tool_result',
            tool_use_id: 'c',
            is_error: true,
            content: [text('no'), { type: 'image', source: { type: 'url', url: 'https://e.com/a.png' } }],
          },
        ]),
      ],
    },
    becomes: {
      messages: [
        user('Hi'),
        { role: 'assistant', content: null, tool_calls: [chatCall('c', '{"a":1}')] },
        { role: 'tool', tool_call_id: 'c', content: 'no' },
        user([{ type: 'image_url', image_url: { url: 'https://e.com/a.png' } }]),
      ],
    },
    lost: ['messages[].content[].is_error', 'messages[].content[].content[]'],
  },
  {
    what: 'a result that is empty',
    from: 'messages',
    to: 'responses',
    asked: { messages: [user([{ type: 'tool_result', tool_use_id: 'c' }])] },
    becomes: { input: [{ type: 'function_call_output', call_id: 'c', output: '' }] },
  },
  {
    what: 'the items of one answer as one message',
    from: 'responses',
    to: 'chat',
    asked: {
      input: [
        {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Let me see.', annotations: [] }],
        },
        { type: 'function_call', call_id: 'c', name: 'toll', arguments: '{}', status: 'completed' },
        { type: 'function_call', call_id: 'd', name: 'toll', arguments: '' },
      ],
    },
    becomes: {
      messages: [{ role: 'assistant', content: 'Let me see.', tool_calls: [chatCall('c', '{}'), chatCall('d', '{}')] }],
    },
  },
]

const said: readonly Case[] = [
  {
    what: 'a refusal as the words that it is',
    from: 'chat',
    to: 'messages',
    asked: { messages: [user('Hi'), { role: 'assistant', content: null, refusal: 'No.' }, user('Why?')] },
    becomes: { messages: [user('Hi'), { role: 'assistant', content: 'No.' }, user('Why?')] },
  },
  {
    what: 'a refusal as a refusal',
    from: 'chat',
    to: 'responses',
    asked: { messages: [{ role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }] },
    becomes: {
      input: [{ type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }],
    },
  },
  {
    what: 'the beginning of an answer, which only Messages goes on with',
    from: 'messages',
    to: 'chat',
    asked: { messages: [user('Hi'), { role: 'assistant', content: 'I' }] },
    becomes: { messages: [user('Hi'), { role: 'assistant', content: 'I' }] },
    lost: ['messages[].prefill'],
  },
  {
    what: 'open thoughts, which nobody else takes',
    from: 'chat',
    to: 'messages',
    asked: { messages: [user('Hi'), { role: 'assistant', content: 'Yes', reasoning_content: 'Hm' }, user('So?')] },
    becomes: { messages: [user('Hi'), { role: 'assistant', content: 'Yes' }, user('So?')] },
    lost: ['messages[].reasoning_content'],
  },
]

for (const each of [...systemPrompts, ...media, ...calls, ...said]) {
  test(`a conversation of ${each.from} for ${each.to}: ${each.what}`, () => checkCase(each))
}
