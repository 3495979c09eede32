import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { Format } from '../../../proxy/format/format.ts'
import { isObject } from '../../../proxy/format/json.ts'
import { StreamTranslator } from '../../../proxy/format/stream-translator.ts'
import { translateAnswer, translateRequest } from '../../../proxy/format/translate.ts'
import { context, formats, streamOf } from './samples.ts'

const golden = (name: string): Buffer => readFileSync(new URL(`golden/${name}`, import.meta.url))

/** A provider of the format in the path, that answers a caller of the other format with what it documents. */
const server = createServer((request, response) => {
  const [, provider, ...rest] = (request.url ?? '').split('/')
  const from = formats.find((format) => format === provider) ?? 'messages'
  const path = rest.join('/')
  const to: Format = path.endsWith('messages') ? 'messages' : path.endsWith('responses') ? 'responses' : 'chat'
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => void chunks.push(chunk))
  request.on('end', () => {
    const asked: unknown = JSON.parse(String(Buffer.concat(chunks)))
    const { body } = translateRequest(asked, to, from)
    if (body['stream'] !== true) {
      response.setHeader('content-type', 'application/json')
      const answer: unknown = JSON.parse(String(golden(`${from}-answer.json`)))
      response.end(JSON.stringify(translateAnswer(answer, from, to, context).body))
      return
    }
    response.setHeader('content-type', 'text/event-stream')
    const isFailing = isObject(asked) && asked['model'] === 'failing'
    const translator = new StreamTranslator(from, to, { ...context, wantsUsage: true })
    for (const byte of isFailing ? failing(from) : golden(`${from}-stream.txt`)) {
      const piece = translator.push(Buffer.of(byte))
      if (piece) response.write(piece)
    }
    response.end(translator.end())
  })
})
await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
after(() => server.close())
const address = server.address()
const port = isObject(address) ? Number(address['port']) : 0

function failing(from: Format): Buffer {
  const error = { type: 'overloaded_error', code: 'server_is_overloaded', message: 'Overloaded' }
  return streamOf(from, [from === 'responses' ? { ...error, type: 'error' } : { type: 'error', error }])
}

const anthropic = (provider: Format) =>
  new Anthropic({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}/${provider}`, maxRetries: 0 })
const openai = (provider: Format) =>
  new OpenAI({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}/${provider}`, maxRetries: 0 })
const model = 'claude-opus-4-6'
const message = { model, max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hi' }] }
const completion = { model, messages: [{ role: 'user' as const, content: 'Hi' }] }
const question = { model, input: 'Hi' }

/** What the documented answers and streams say, without regard to format. */
const answered = {
  messages: {
    text: "I'll check the current weather.",
    call: ['get_weather', { location: 'San Francisco, CA' }],
    output: 393,
  },
  chat: { text: 'Hello! Let me see.', call: ['get_current_weather', { location: 'Boston, MA' }], output: 110 },
  responses: { text: 'In a peaceful grove beneath a silver moon,', call: undefined, output: 52 },
}
const streamed = {
  messages: {
    text: "Okay, let's check the weather: ☀️",
    call: ['get_weather', { location: 'San Francisco' }],
    output: 89,
  },
  chat: { text: 'Hello 👋', call: ['get_weather', { location: 'Paris' }], output: 30 },
  responses: { text: 'Hi there! ¿Qué tal?', call: ['get_weather', { location: 'Paris, France' }], output: 41 },
}

function ofMessage({ content, usage }: Anthropic.Message) {
  const call = content.find((block) => block.type === 'tool_use')
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    call: call && [call.name, call.input],
    output: usage.output_tokens,
  }
}

function ofCompletion({ choices: [choice], usage }: OpenAI.ChatCompletion) {
  const call = choice?.message.tool_calls?.find((each) => each.type === 'function')?.function
  return {
    text: choice?.message.content,
    call: call && [call.name, JSON.parse(call.arguments) as unknown],
    output: usage?.completion_tokens,
  }
}

function ofResponse(response: OpenAI.Responses.Response) {
  const call = response.output.find((item) => item.type === 'function_call')
  return {
    text: response.output_text,
    call: call && [call.name, JSON.parse(call.arguments) as unknown],
    output: response.usage?.output_tokens,
  }
}

for (const provider of ['chat', 'responses'] as const) {
  test(`Anthropic's SDK reads what a provider of ${provider} says`, async () => {
    const { messages } = anthropic(provider)
    assert.deepEqual(ofMessage(await messages.create(message)), answered[provider])
    const stream = messages.stream(message)
    const final = await stream.finalMessage()
    assert.deepEqual(ofMessage(final), streamed[provider])
    assert.equal(final.stop_reason, 'tool_use')
    await assert.rejects(messages.stream({ ...message, model: 'failing' }).finalMessage(), /Overloaded/)
  })
}

for (const provider of ['messages', 'responses'] as const) {
  test(`OpenAI's SDK reads what a provider of ${provider} says, as a completion`, async () => {
    const { completions } = openai(provider).chat
    assert.deepEqual(ofCompletion(await completions.create(completion)), answered[provider])
    const final = await completions.stream(completion).finalChatCompletion()
    assert.deepEqual(ofCompletion(final), streamed[provider])
    assert.equal(final.choices[0]?.finish_reason, 'tool_calls')
    const failed = completions.stream({ ...completion, model: 'failing' }).finalChatCompletion()
    await assert.rejects(failed, /Overloaded/)
  })
}

for (const provider of ['messages', 'chat'] as const) {
  test(`OpenAI's SDK reads what a provider of ${provider} says, as a response`, async () => {
    const { responses } = openai(provider)
    assert.deepEqual(ofResponse(await responses.create(question)), answered[provider])
    const final = await responses.stream(question).finalResponse()
    assert.deepEqual(ofResponse(final), streamed[provider])
    assert.equal(final.status, 'completed')
    const failed = await responses.create({ ...question, model: 'failing', stream: true })
    const types: string[] = []
    for await (const event of failed) types.push(event.type === 'error' ? event.message : event.type)
    assert.deepEqual(types, ['Overloaded'])
  })
}
