import { test } from 'node:test'
import { type Case, checkCase } from './samples.ts'

const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
const messagesTool = { tools: [{ name: 'toll', input_schema: schema }] }
const chatTool = { tools: [{ type: 'function', function: { name: 'toll', parameters: schema } }] }
const responsesTool = { tools: [{ type: 'function', name: 'toll', parameters: schema, strict: null }] }

const maximum: readonly Case[] = [
  { what: 'no maximum', from: 'chat', to: 'messages', asked: {}, becomes: { max_tokens: 32_000 } },
  { what: 'the old maximum', from: 'chat', to: 'messages', asked: { max_tokens: 7 }, becomes: { max_tokens: 7 } },
  {
    what: 'the old and the new maximum',
    from: 'chat',
    to: 'responses',
    asked: { max_tokens: 70, max_completion_tokens: 80 },
    becomes: { max_output_tokens: 80, max_tokens: undefined },
  },
  ...['gpt-5.4', 'o3', 'openai/o4-mini', 'azure-gpt5', 'codex-mini'].map((model): Case => ({
    what: `a maximum of ${model}`,
    from: 'messages',
    to: 'chat',
    asked: { model },
    becomes: { max_completion_tokens: 100, max_tokens: undefined },
  })),
  ...['glm-5', 'mistral-large-latest', 'claude-opus-4-6', 'foo3'].map((model): Case => ({
    what: `a maximum of ${model}`,
    from: 'messages',
    to: 'chat',
    asked: { model },
    becomes: { max_completion_tokens: undefined, max_tokens: 100 },
  })),
  {
    what: 'a maximum below what Responses accepts',
    from: 'messages',
    to: 'responses',
    asked: { max_tokens: 1 },
    becomes: { max_output_tokens: 16 },
    lost: ['max_tokens'],
  },
]

const stops: readonly Case[] = [
  {
    what: 'one stop sequence',
    from: 'chat',
    to: 'messages',
    asked: { stop: 'END' },
    becomes: { stop_sequences: ['END'] },
  },
  {
    what: 'a stop sequence of white space, which Messages refuses',
    from: 'chat',
    to: 'messages',
    asked: { stop: ['\n', 'END'] },
    becomes: { stop_sequences: ['END'] },
    lost: ['stop'],
  },
  {
    what: 'more than the four stop sequences of chat',
    from: 'messages',
    to: 'chat',
    asked: { stop_sequences: ['1', '2', '3', '4', '5'] },
    becomes: { stop: ['1', '2', '3', '4'] },
    lost: ['stop_sequences'],
  },
  {
    what: 'a stop sequence, which Responses has not',
    from: 'chat',
    to: 'responses',
    asked: { stop: ['END'] },
    becomes: { stop: undefined },
    lost: ['stop'],
  },
]

const choice = (
  [messages, chat, responses]: readonly [unknown, unknown, unknown],
  parallel: readonly [unknown, unknown] = [undefined, undefined],
): readonly Case[] => {
  const [asked, becomes] = parallel
  const inMessages = { ...messagesTool, tool_choice: messages }
  const what = `tool_choice ${JSON.stringify(chat)}, parallel ${JSON.stringify(asked)}`
  return [
    {
      what,
      from: 'messages',
      to: 'chat',
      asked: inMessages,
      becomes: { tool_choice: chat, parallel_tool_calls: becomes },
    },
    { what, from: 'messages', to: 'responses', asked: inMessages, becomes: { tool_choice: responses } },
    {
      what,
      from: 'chat',
      to: 'messages',
      asked: { ...chatTool, tool_choice: chat, parallel_tool_calls: asked },
      becomes: { tool_choice: messages },
    },
    {
      what,
      from: 'responses',
      to: 'messages',
      asked: { ...responsesTool, tool_choice: responses, parallel_tool_calls: asked },
      becomes: { tool_choice: messages },
    },
  ]
}
const named = { type: 'function', function: { name: 'toll' } }
const choices = [
  ...choice([{ type: 'auto' }, 'auto', 'auto']),
  ...choice([{ type: 'any' }, 'required', 'required']),
  ...choice([{ type: 'none' }, 'none', 'none']),
  ...choice([{ type: 'tool', name: 'toll' }, named, { type: 'function', name: 'toll' }]),
  ...choice([{ type: 'any', disable_parallel_tool_use: true }, 'required', 'required'], [false, false]),
]

const tools: readonly Case[] = [
  {
    what: 'one tool at a time, without a choice',
    from: 'chat',
    to: 'messages',
    asked: { ...chatTool, parallel_tool_calls: false },
    becomes: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
  },
  {
    what: 'a choice without tools, which the APIs refuse',
    from: 'chat',
    to: 'messages',
    asked: { tool_choice: 'auto', tools: [] },
    becomes: { tool_choice: undefined, tools: undefined },
  },
  {
    what: 'a tool that is not strict stays so where strict is the default',
    from: 'chat',
    to: 'responses',
    asked: chatTool,
    becomes: { tools: [{ type: 'function', name: 'toll', parameters: schema, strict: false }] },
  },
  {
    what: 'a tool without arguments',
    from: 'responses',
    to: 'messages',
    asked: { tools: [{ type: 'function', name: 'toll', parameters: null, strict: true }] },
    becomes: { tools: [{ name: 'toll', input_schema: { type: 'object', properties: {} }, strict: true }] },
  },
  {
    what: 'allowed tools of chat, by telling no others',
    from: 'chat',
    to: 'messages',
    asked: {
      tools: [...chatTool.tools, { type: 'function', function: { name: 'other' } }],
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [named] } },
    },
    becomes: { tools: messagesTool.tools, tool_choice: { type: 'any' } },
  },
  {
    what: 'allowed tools of Responses, by telling no others',
    from: 'responses',
    to: 'chat',
    asked: {
      tools: [...responsesTool.tools, { type: 'function', name: 'other' }],
      tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'toll' }] },
    },
    becomes: { tools: chatTool.tools, tool_choice: 'auto' },
  },
]

const jsonSchema = { name: 'fare', schema, strict: true }
const outputs: readonly Case[] = [
  {
    what: 'a schema of chat',
    from: 'chat',
    to: 'messages',
    asked: { response_format: { type: 'json_schema', json_schema: jsonSchema } },
    becomes: { output_config: { format: { type: 'json_schema', schema } } },
  },
  {
    what: 'a schema of Responses',
    from: 'responses',
    to: 'chat',
    asked: { text: { format: { type: 'json_schema', ...jsonSchema } } },
    becomes: { response_format: { type: 'json_schema', json_schema: jsonSchema } },
  },
  {
    what: 'a schema of Messages, which has no name',
    from: 'messages',
    to: 'responses',
    asked: { output_config: { format: { type: 'json_schema', schema } } },
    becomes: { text: { format: { type: 'json_schema', name: 'answer', schema } } },
  },
  {
    what: 'a schema of Messages in the old place',
    from: 'messages',
    to: 'chat',
    asked: { output_format: { type: 'json_schema', schema } },
    becomes: { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } },
  },
  {
    what: 'any JSON, which Messages has not',
    from: 'chat',
    to: 'messages',
    asked: { response_format: { type: 'json_object' } },
    becomes: { output_config: undefined },
    lost: ['response_format'],
  },
  {
    what: 'any JSON and verbosity',
    from: 'responses',
    to: 'chat',
    asked: { text: { format: { type: 'json_object' }, verbosity: 'low' } },
    becomes: { response_format: { type: 'json_object' }, verbosity: 'low' },
  },
]

const shared = {
  metadata: { a: 'b' },
  moderation: { model: 'omni-moderation-latest' },
  prompt_cache_key: 'k',
  prompt_cache_options: { mode: 'explicit' },
  prompt_cache_retention: '24h',
  store: true,
}
const longId = 'u'.repeat(65)
const rest: readonly Case[] = [
  { what: 'the user', from: 'chat', to: 'messages', asked: { user: 'u1' }, becomes: { metadata: { user_id: 'u1' } } },
  {
    what: 'the new name of the user before the old',
    from: 'responses',
    to: 'messages',
    asked: { user: 'u1', safety_identifier: 's1', prompt_cache_key: 'k' },
    becomes: { metadata: { user_id: 's1' } },
    lost: ['prompt_cache_key'],
  },
  {
    what: 'a user id that is too long for OpenAI',
    from: 'messages',
    to: 'responses',
    asked: { metadata: { user_id: longId } },
    becomes: { safety_identifier: undefined },
    lost: ['metadata.user_id'],
  },
  {
    what: 'fields that OpenAI has in both formats',
    from: 'chat',
    to: 'responses',
    asked: shared,
    becomes: shared,
  },
  { what: 'not to be stored', from: 'chat', to: 'responses', asked: {}, becomes: { store: false } },
  {
    what: 'the standard tier',
    from: 'messages',
    to: 'chat',
    asked: { service_tier: 'standard_only' },
    becomes: { service_tier: 'default' },
  },
  {
    what: 'a tier that Anthropic has not',
    from: 'chat',
    to: 'messages',
    asked: { service_tier: 'flex' },
    becomes: { service_tier: undefined },
    lost: ['service_tier'],
  },
  {
    what: 'a stream, which tells its usage only when asked',
    from: 'messages',
    to: 'chat',
    asked: { stream: true },
    becomes: { stream: true, stream_options: { include_usage: true } },
  },
  { what: 'no stream', from: 'chat', to: 'messages', asked: { stream: false }, becomes: { stream: undefined } },
]

for (const each of [...maximum, ...stops, ...choices, ...tools, ...outputs, ...rest]) {
  test(`a request of ${each.from} for ${each.to}: ${each.what}`, () => checkCase(each))
}
