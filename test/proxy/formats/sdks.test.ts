import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { ServiceType } from '../../../proxy/domain/channel.ts'
import { defaultText } from '../../support/fake-upstream.ts'
import { streamOf } from '../format/samples.ts'
import { ADMIN_KEY, type PooledChannel, startPools } from '../../support/pools.ts'

const pairs = [
  ['messages', 'openai_chat'],
  ['messages', 'responses'],
  ['chat', 'claude'],
  ['chat', 'responses'],
  ['responses', 'claude'],
  ['responses', 'openai_chat'],
] as const satisfies readonly (readonly [PooledChannel['pool'], ServiceType])[]

const usage = { input: 30, cacheRead: 10, output: 20 }
const nameOf = (pool: string, type: string): string => `${pool}-by-${type}`
const pools = await startPools(
  Object.fromEntries(
    pairs.map(([pool, serviceType]) => {
      const name = nameOf(pool, serviceType)
      return [name, { pool, serviceType, models: [name], plan: { usage } }]
    }),
  ),
)
after(() => pools.close())

interface Said {
  readonly text: string | null | undefined
  /** Without what was read from a cache. */
  readonly input: number | undefined
  readonly cached: number | undefined
  readonly output: number | undefined
  readonly stop: string | null | undefined
}

type Ask = (model: string, headers: Record<string, string>, stream: boolean) => Promise<Said>

const anthropic = new Anthropic({ apiKey: ADMIN_KEY, baseURL: pools.url, maxRetries: 0 })
const openai = new OpenAI({ apiKey: ADMIN_KEY, baseURL: `${pools.url}/v1`, maxRetries: 0 })
const user = { role: 'user', content: 'Wie geht es?' } as const

const askers: Readonly<Record<(typeof pairs)[number][0], Ask>> = {
  async messages(model, headers, stream) {
    const body = { model, max_tokens: 100, system: 'Kurz.', messages: [user] }
    const message = stream
      ? await anthropic.messages.stream(body, { headers }).finalMessage()
      : await anthropic.messages.create(body, { headers })
    const [block] = message.content
    return {
      text: block?.type === 'text' ? block.text : undefined,
      input: message.usage.input_tokens,
      cached: message.usage.cache_read_input_tokens ?? undefined,
      output: message.usage.output_tokens,
      stop: message.stop_reason,
    }
  },
  async chat(model, headers, stream) {
    const body = { model, messages: [{ role: 'system', content: 'Kurz.' } as const, user] }
    const options = { stream_options: { include_usage: true } }
    const chat = stream
      ? await openai.chat.completions.stream({ ...body, ...options }, { headers }).finalChatCompletion()
      : await openai.chat.completions.create(body, { headers })
    const cached = chat.usage?.prompt_tokens_details?.cached_tokens ?? 0
    return {
      text: chat.choices[0]?.message.content,
      input: (chat.usage?.prompt_tokens ?? 0) - cached,
      cached,
      output: chat.usage?.completion_tokens,
      stop: chat.choices[0]?.finish_reason,
    }
  },
  async responses(model, headers, stream) {
    const body = { model, instructions: 'Kurz.', input: [user] }
    const response = stream
      ? await openai.responses.stream(body, { headers }).finalResponse()
      : await openai.responses.create(body, { headers })
    const cached = response.usage?.input_tokens_details.cached_tokens ?? 0
    return {
      text: response.output_text,
      input: (response.usage?.input_tokens ?? 0) - cached,
      cached,
      output: response.usage?.output_tokens,
      stop: response.status,
    }
  },
}

const stops = { messages: 'end_turn', chat: 'stop', responses: 'completed' } as const
const paths = { claude: '/v1/messages', openai_chat: '/v1/chat/completions', responses: '/v1/responses' } as const
let serial = 0

for (const [pool, type] of pairs) {
  for (const stream of [false, true]) {
    test(`an SDK for ${pool} is answered ${stream ? 'in a stream ' : ''}by a channel that speaks ${type}`, async () => {
      const model = nameOf(pool, type)
      const id = `sdk-${++serial}`
      const said = await askers[pool](model, { 'x-request-id': id }, stream)
      assert.deepEqual(said, { text: defaultText, input: 30, cached: 10, output: 20, stop: stops[pool] })
      const entry = await pools.entry(id)
      assert.deepEqual(
        [entry.channel, entry.status, entry.metering, entry.input_tokens, entry.cache_read_tokens, entry.output_tokens],
        [model, 'completed', 'exact', 30, 10, 20],
      )
      const seen = pools.upstreams[model]?.calls.at(-1)
      assert.deepEqual([seen?.path, seen?.model], [paths[type], model])
    })
  }
}

test('what the format of the channel has no place for is told to the caller and in the ledger', async () => {
  const model = nameOf('messages', 'openai_chat')
  const { id, headers } = await pools.ask('/v1/messages', { model, max_tokens: 10, top_k: 5, messages: [user] })
  assert.equal(headers['x-tollgate-lost'], 'top_k')
  assert.equal((await pools.entry(id)).lost, 'top_k')
})

for (const stream of [false, true]) {
  test(`what of an answer ${stream ? 'in a stream ' : ''}has no place is told in the ledger, and before it`, async () => {
    const model = nameOf('chat', 'claude')
    const cited = { type: 'text', text: 'Gut.', citations: [{ type: 'char_location', cited_text: 'secret' }] }
    const block = { type: 'content_block_start', index: 0, content_block: cited }
    const rawBody = stream
      ? streamOf('messages', [
          { type: 'message_start', message: {} },
          block,
          { type: 'content_block_stop', index: 0 },
          { type: 'message_stop' },
        ])
      : JSON.stringify({ type: 'message', content: [cited], stop_reason: 'stop_sequence', stop_sequence: 'x' })
    pools.upstreams[model]?.behave({ rawBody, ...(stream && { contentType: 'text/event-stream' }) })
    const { id, headers, text } = await pools.ask('/v1/chat/completions', { model, seed: 1, stream, messages: [user] })
    pools.upstreams[model]?.behave({ usage })
    assert.match(text, /Gut\./)
    const answered = stream ? [] : ['content[].citations', 'stop_sequence']
    assert.equal(headers['x-tollgate-lost'], ['seed', ...answered].join(', '))
    assert.equal((await pools.entry(id)).lost, ['seed', 'content[].citations', ...answered.slice(1)].join(','))
  })
}

test('what cannot be said in the format of the channel at all is refused, and nothing is sent', async () => {
  const model = nameOf('responses', 'claude')
  const before = pools.upstreams[model]?.calls.length
  const { id, status, text } = await pools.ask('/v1/responses', { model, previous_response_id: 'resp_1', input: 'x' })
  assert.equal(status, 400)
  assert.match(text, /"code":"not_translatable"/)
  assert.equal(pools.upstreams[model]?.calls.length, before)
  assert.deepEqual([(await pools.entry(id)).status, (await pools.entry(id)).spend_tokens], ['failed', 0])
})

for (const [what, answer, spent] of [
  ['tells what it has used', { type: 'message', content: 'none', usage: { input_tokens: 7, output_tokens: 5 } }, 12],
  ['is no object', 'none', undefined],
] as const) {
  test(`an answer that ${what} and cannot be translated is a failure in the ledger, too, and is paid for`, async () => {
    const model = nameOf('chat', 'claude')
    pools.upstreams[model]?.behave({ rawBody: JSON.stringify(answer) })
    const { id, status, text } = await pools.ask('/v1/chat/completions', { model, messages: [user] })
    pools.upstreams[model]?.behave({ usage })
    assert.equal(status, 502)
    assert.match(text, /cannot be translated.*"code":"upstream_invalid"/)
    const { status: ended, http_status: told, error, spend_tokens: tokens, metering } = await pools.entry(id)
    assert.deepEqual([ended, told, error], ['failed', 502, 'upstream_invalid'])
    assert.deepEqual(spent === undefined ? [tokens > 0, metering] : [tokens, metering], [
      spent ?? true,
      spent ? 'exact' : 'estimated',
    ])
  })
}

const opening = [
  { type: 'message_start', message: {} },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Gut.' } },
]
const closing = [{ type: 'content_block_stop', index: 0 }, { type: 'message_stop' }]
const spoilt = Buffer.concat([
  streamOf('messages', opening),
  Buffer.from('data: [none]\n\n'),
  streamOf('messages', closing),
])
for (const [what, rawBody, told, reason] of [
  ['breaks off before its first event', 'none', 502, 'upstream_broken'],
  ['cannot be translated from its middle on', spoilt, 200, 'upstream_invalid'],
] as const) {
  test(`a stream that ${what} is a failure in the ledger, with the status that the caller has seen`, async () => {
    const model = nameOf('chat', 'claude')
    pools.upstreams[model]?.behave({ rawBody, contentType: 'text/event-stream' })
    const { id, status, text } = await pools.ask('/v1/chat/completions', { model, stream: true, messages: [user] })
    pools.upstreams[model]?.behave({ usage })
    assert.equal(status, told)
    assert.match(text, /"error":/)
    const { status: ended, http_status: written, error } = await pools.entry(id)
    assert.deepEqual([ended, written, error], ['failed', told, reason])
  })
}

test("an upstream's refusal comes in the caller's words", async () => {
  const model = nameOf('messages', 'openai_chat')
  pools.upstreams[model]?.behave({ status: 400, error: { message: 'no such thing' } })
  const { status, text } = await pools.ask('/v1/messages', { model, max_tokens: 10, messages: [user] })
  pools.upstreams[model]?.behave({ usage })
  assert.equal(status, 400)
  const said = JSON.parse(text) as { type: string; error: { type: string; message: string } } // safe: Anthropic's shape
  assert.deepEqual(
    [said.type, said.error.type, said.error.message],
    ['error', 'invalid_request_error', 'no such thing'],
  )
})
