import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { defaultText, startFakeUpstream } from './fake-upstream.ts'

// What the official SDKs accept and understand is what the providers say.
const upstream = await startFakeUpstream()
const anthropic = new Anthropic({ apiKey: 'test', baseURL: upstream.url, maxRetries: 0 })
const openai = new OpenAI({ apiKey: 'test', baseURL: `${upstream.url}/v1`, maxRetries: 0 })

const usage = { input: 10, cacheRead: 4, cacheWrite: 3, cacheWrite1h: 1, output: 20, reasoning: 6 }
const prompt = { model: 'some-model', messages: [{ role: 'user' as const, content: 'Hallo' }] }
const message = { ...prompt, max_tokens: 100 }
const question = { model: 'some-model', input: 'Hallo' }

beforeEach(() => {
  upstream.reset()
})
after(() => upstream.close())

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = []
  for await (const item of items) collected.push(item)
  return collected
}

test('a message of Anthropic', async () => {
  upstream.behave({ usage })
  const answer = await anthropic.messages.create(message)
  assert.deepEqual(answer.content, [{ type: 'text', text: defaultText }])
  assert.equal(answer.model, 'some-model')
  assert.equal(answer.usage.input_tokens, 10)
  assert.equal(answer.usage.cache_read_input_tokens, 4)
  assert.equal(answer.usage.cache_creation_input_tokens, 3)
  assert.deepEqual(answer.usage.cache_creation, { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 1 })
  assert.equal(answer.usage.output_tokens, 20)
  assert.equal(answer.usage.output_tokens_details?.thinking_tokens, 6)

  const call = await upstream.waitFor(([first]) => first?.ended === 'complete' && first)
  assert.equal(call.path, '/v1/messages')
  assert.equal(call.model, 'some-model')
  assert.equal(call.answerId, answer.id)
  assert.deepEqual(call.served, { ...usage, events: 1, bytes: call.served.bytes, reported: true })
})

test('a streamed message of Anthropic', async () => {
  upstream.behave({ usage, chunks: 7 })
  const stream = anthropic.messages.stream(message)
  const types: string[] = []
  stream.on('streamEvent', (event) => types.push(event.type))
  const answer = await stream.finalMessage()
  assert.deepEqual(answer.content, [{ type: 'text', text: defaultText }])
  assert.equal(answer.stop_reason, 'end_turn')
  assert.equal(answer.usage.input_tokens, 10)
  assert.equal(answer.usage.cache_read_input_tokens, 4)
  assert.equal(answer.usage.output_tokens, 20)
  assert.deepEqual(types, [
    'message_start',
    'content_block_start',
    ...Array.from({ length: 7 }, () => 'content_block_delta'),
    'content_block_stop',
    'message_delta',
    'message_stop',
  ])
  const call = await upstream.waitFor(([first]) => first?.ended === 'complete' && first)
  assert.deepEqual(call.served, { ...usage, events: 13, bytes: call.served.bytes, reported: true })
})

test('tokens counted before they are spent', async () => {
  upstream.behave({ usage: { input: 77 } })
  assert.deepEqual(await anthropic.messages.countTokens(prompt), { input_tokens: 77 })
  assert.equal((await upstream.waitFor(([first]) => first?.ended === 'complete' && first)).served.input, 0)
})

test('a chat of OpenAI', async () => {
  upstream.behave({ usage })
  const answer = await openai.chat.completions.create(prompt)
  assert.equal(answer.choices[0]?.message.content, defaultText)
  assert.equal(answer.usage?.prompt_tokens, 17)
  assert.equal(answer.usage.prompt_tokens_details?.cached_tokens, 4)
  assert.equal(answer.usage.completion_tokens, 20)
  assert.equal(answer.usage.completion_tokens_details?.reasoning_tokens, 6)
  assert.equal(answer.usage.total_tokens, 37)
})

test('a streamed chat of OpenAI, which tells its usage', async () => {
  upstream.behave({ usage })
  const stream = openai.chat.completions.stream({ ...prompt, stream_options: { include_usage: true } })
  const answer = await stream.finalChatCompletion()
  assert.equal(answer.choices[0]?.message.content, defaultText)
  assert.equal(answer.usage?.prompt_tokens, 17)
  assert.equal(answer.usage.completion_tokens, 20)
})

test('a streamed chat of OpenAI, which was not asked for its usage', async () => {
  const stream = await openai.chat.completions.create({ ...prompt, stream: true })
  let text = ''
  for await (const chunk of stream) {
    assert.ok(!('usage' in chunk))
    text += chunk.choices[0]?.delta.content ?? ''
  }
  assert.equal(text, defaultText)
  const call = await upstream.waitFor(([first]) => first?.ended === 'complete' && first)
  assert.equal(call.served.output, 50)
  assert.equal(call.served.reported, false)
})

test('a completion of OpenAI, streamed and not', async () => {
  const whole = await openai.completions.create({ model: 'some-model', prompt: 'Hallo' })
  assert.equal(whole.choices[0]?.text, defaultText)
  const options = { include_usage: true }
  const stream = await openai.completions.create({ ...whole, prompt: 'Hallo', stream: true, stream_options: options })
  const chunks = await collect(stream)
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.text ?? '').join(''), defaultText)
  assert.equal(chunks.at(-1)?.usage?.completion_tokens, 50)
})

test('a response of OpenAI', async () => {
  upstream.behave({ usage })
  const answer = await openai.responses.create(question)
  assert.equal(answer.output_text, defaultText)
  assert.equal(answer.status, 'completed')
  assert.equal(answer.usage?.input_tokens, 17)
  assert.equal(answer.usage.input_tokens_details.cached_tokens, 4)
  assert.equal(answer.usage.output_tokens_details.reasoning_tokens, 6)
})

test('a streamed response of OpenAI', async () => {
  upstream.behave({ usage })
  const stream = openai.responses.stream(question)
  const numbers: number[] = []
  stream.on('event', (event) => numbers.push('sequence_number' in event ? event.sequence_number : -1))
  const answer = await stream.finalResponse()
  assert.equal(answer.output_text, defaultText)
  assert.equal(answer.usage?.total_tokens, 37)
  assert.deepEqual(numbers, Array.from(numbers.keys()))
})

test('lists of models, in the shape of who asks', async () => {
  assert.deepEqual(
    (await collect(openai.models.list())).map(({ owned_by: owner }) => owner),
    ['fake', 'fake'],
  )
  const listed = await collect(anthropic.models.list())
  assert.deepEqual(
    listed.map(({ type, id }) => [type, id]),
    [
      ['model', 'claude-fake'],
      ['model', 'gpt-fake'],
    ],
  )
  assert.equal((await openai.models.retrieve('gpt-fake')).id, 'gpt-fake')
})

test('everything else that is asked of OpenAI', async () => {
  const { data } = await openai.embeddings.create({ model: 'some-model', input: ['a', 'b'] })
  assert.deepEqual(
    data.map(({ embedding }) => embedding),
    [
      [0.5, -0.25, 0.125],
      [0.5, -0.25, 0.125],
    ],
  )
  assert.equal((await openai.moderations.create({ input: 'a' })).results[0]?.flagged, false)
  assert.equal((await openai.images.generate({ prompt: 'a' })).usage?.output_tokens, 50)
  const file = new File(['sound'], 'sound.mp3')
  assert.equal((await openai.audio.transcriptions.create({ model: 'some-model', file })).text, defaultText)
  const speech = await openai.audio.speech.create({ model: 'some-model', input: 'a', voice: 'alloy' })
  assert.equal((await speech.bytes()).length, 1024)
  // No SDK has a rerank, but both have a door for what they do not know.
  const body = { model: 'some-model', query: 'a', documents: ['x', 'y'] }
  const ranked: { results: unknown[] } = await openai.post('/rerank', { body })
  assert.equal(ranked.results.length, 2)
})
