import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { Json } from '../../../proxy/format/json.ts'
import type { Behaviour, SeenCall } from '../../support/fake-upstream.ts'
import { ADMIN_KEY, callerPools, type PooledChannel, startPools } from '../../support/pools.ts'
import { streamOf } from '../format/samples.ts'

/** A model that asks for the weather, whatever it is told, and then makes something of it. */
const NAME = 'get_weather'
const CALL_ID = 'call_1'
const INPUT = { city: 'Köln' }
const RESULT = '7 °C'
const JSON_PIECES = ['{"city":', '"Köln"}']
const parameters = { type: 'object' as const, properties: { city: { type: 'string' } } }

const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }
const chatCall = { id: CALL_ID, type: 'function', function: { name: NAME, arguments: JSON.stringify(INPUT) } }
const item = { type: 'function_call', id: 'fc_1', call_id: CALL_ID, name: NAME }
const done = { ...item, arguments: JSON.stringify(INPUT), status: 'completed' }
const response = { id: 'resp_1', object: 'response', created_at: 1, model: 'm', status: 'completed', output: [done] }
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], usage: {} }
const chunk = (delta: Json, more: Json = {}): Json => ({ id: 'c', choices: [{ index: 0, delta, ...more }] })

/** The answer that calls the tool, as each provider's format has it, and the events of its stream. */
const callings = {
  claude: {
    whole: {
      ...message,
      content: [{ type: 'tool_use', id: CALL_ID, name: NAME, input: INPUT }],
      stop_reason: 'tool_use',
      usage: { input_tokens: 5, output_tokens: 2 },
    },
    events: [
      { type: 'message_start', message: { ...message, usage: { input_tokens: 5, output_tokens: 1 } } },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: CALL_ID, name: NAME, input: {} },
      },
      ...JSON_PIECES.map((partial_json) => {
        return { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json } }
      }),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ],
  },
  openai_chat: {
    whole: {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      usage,
      choices: [{ index: 0, message: { role: 'assistant', tool_calls: [chatCall] }, finish_reason: 'tool_calls' }],
    },
    events: [
      chunk({
        role: 'assistant',
        tool_calls: [{ index: 0, ...chatCall, function: { name: NAME, arguments: '' } }],
      }),
      ...JSON_PIECES.map((piece) => chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
      { ...chunk({}, { finish_reason: 'tool_calls' }), usage },
      '[DONE]',
    ],
  },
  responses: {
    whole: { ...response, usage: { input_tokens: 5, output_tokens: 2, total_tokens: 7 } },
    events: [
      { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
      { type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '' } },
      ...JSON_PIECES.map((delta) => ({ type: 'response.function_call_arguments.delta', output_index: 0, delta })),
      { type: 'response.output_item.done', output_index: 0, item: done },
      { type: 'response.completed', response },
    ],
  },
} as const

/** What of a request is the tool's result, in the format of the upstream: undefined where it has none. */
const results = {
  claude: ({ body }: SeenCall): Json | undefined =>
    partsOf(body['messages'])
      .flatMap(({ content }) => partsOf(content))
      .find(({ type }) => type === 'tool_result'),
  openai_chat: ({ body }: SeenCall): Json | undefined => partsOf(body['messages']).find(({ role }) => role === 'tool'),
  responses: ({ body }: SeenCall): Json | undefined =>
    partsOf(body['input']).find(({ type }) => type === 'function_call_output'),
}
const expected = {
  claude: { type: 'tool_result', tool_use_id: CALL_ID, content: RESULT },
  openai_chat: { role: 'tool', tool_call_id: CALL_ID, content: RESULT },
  responses: { type: 'function_call_output', call_id: CALL_ID, output: RESULT },
}
const formats = { claude: 'messages', openai_chat: 'chat', responses: 'responses' } as const
type Spoken = keyof typeof formats

const pairs = callerPools.flatMap((pool) =>
  (['claude', 'openai_chat', 'responses'] as const)
    .filter((type) => formats[type] !== pool)
    .map((type) => ({ pool, type, model: `${pool}-by-${type}` })),
)

function behaviourOf(type: Spoken, call: SeenCall): Partial<Behaviour> {
  if (results[type](call)) return { text: 'Kalt.' }
  const { whole, events } = callings[type]
  return call.body['stream'] === true
    ? { rawBody: streamOf(formats[type], events), contentType: 'text/event-stream' }
    : { rawBody: JSON.stringify(whole) }
}

const pools = await startPools(
  Object.fromEntries(
    pairs.map(({ pool, type, model }): [string, PooledChannel] => [
      model,
      { pool, serviceType: type, models: [model], plan: (call) => behaviourOf(type, call) },
    ]),
  ),
)
after(() => pools.close())

interface Said {
  readonly stop: string | null | undefined
  readonly called: readonly (readonly [id: string, name: string, input: unknown])[]
  /** What is said when the tool's result is told. */
  readonly text: string | null | undefined
}

const anthropic = new Anthropic({ apiKey: ADMIN_KEY, baseURL: pools.url, maxRetries: 0 })
const openai = new OpenAI({ apiKey: ADMIN_KEY, baseURL: `${pools.url}/v1`, maxRetries: 0 })
const user = { role: 'user', content: 'Wie ist das Wetter?' } as const

const askers: Readonly<Record<(typeof callerPools)[number], (model: string, stream: boolean) => Promise<Said>>> = {
  async messages(model, stream) {
    const ask = (messages: Anthropic.MessageParam[]) => {
      const body = { model, max_tokens: 100, tools: [{ name: NAME, input_schema: parameters }], messages }
      return stream ? anthropic.messages.stream(body).finalMessage() : anthropic.messages.create(body)
    }
    const first = await ask([user])
    const calls = first.content.filter((block) => block.type === 'tool_use')
    const told = calls.map(({ id }) => ({ type: 'tool_result' as const, tool_use_id: id, content: RESULT }))
    const second = await ask([user, { role: 'assistant', content: first.content }, { role: 'user', content: told }])
    const [block] = second.content
    return {
      stop: first.stop_reason,
      called: calls.map(({ id, name, input }) => [id, name, input]),
      text: block?.type === 'text' ? block.text : undefined,
    }
  },
  async chat(model, stream) {
    const ask = (messages: OpenAI.ChatCompletionMessageParam[]) => {
      const body = { model, tools: [{ type: 'function' as const, function: { name: NAME, parameters } }], messages }
      return stream ? openai.chat.completions.stream(body).finalChatCompletion() : openai.chat.completions.create(body)
    }
    const [first] = (await ask([user])).choices
    const calls = (first?.message.tool_calls ?? []).filter((call) => call.type === 'function')
    const told = calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: RESULT }))
    const second = await ask([user, first?.message ?? assert.fail('no choice'), ...told])
    return {
      stop: first?.finish_reason,
      called: calls.map(({ id, function: { name, arguments: input } }) => [id, name, JSON.parse(input)]),
      text: second.choices[0]?.message.content,
    }
  },
  async responses(model, stream) {
    const ask = (input: OpenAI.Responses.ResponseInputItem[]) => {
      const body = { model, tools: [{ type: 'function' as const, name: NAME, parameters, strict: false }], input }
      return stream ? openai.responses.stream(body).finalResponse() : openai.responses.create(body)
    }
    const first = await ask([user])
    const calls = first.output.flatMap((each) => {
      return each.type === 'function_call' ? [{ id: each.call_id, name: each.name, input: each.arguments }] : []
    })
    const rest = calls.flatMap(({ id, name, input }) => [
      { type: 'function_call' as const, call_id: id, name, arguments: input },
      { type: 'function_call_output' as const, call_id: id, output: RESULT },
    ])
    const second = await ask([user, ...rest])
    return {
      stop: first.status,
      called: calls.map(({ id, name, input }) => [id, name, JSON.parse(input)]),
      text: second.output_text,
    }
  },
}
const stops = { messages: 'tool_use', chat: 'tool_calls', responses: 'completed' } as const

for (const { pool, type, model } of pairs) {
  for (const stream of [false, true]) {
    const how = stream ? 'in a stream ' : ''
    test(`an SDK for ${pool} runs a tool that is called ${how}by a channel that speaks ${type}`, async () => {
      const said = await askers[pool](model, stream)
      assert.deepEqual(said, { stop: stops[pool], called: [[CALL_ID, NAME, INPUT]], text: 'Kalt.' })
      const told = results[type](pools.upstream(model).calls.at(-1) ?? assert.fail())
      assert.deepEqual(told, expected[type])
    })
  }
}

function partsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [] // safe: of requests that the gateway has written
}
