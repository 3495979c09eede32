import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, get, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { after, beforeEach, test } from 'node:test'
import Anthropic, { APIError as AnthropicError } from '@anthropic-ai/sdk'
import OpenAI, { APIError, NotFoundError, RateLimitError } from 'openai'
import { defaultText, startFakeUpstream } from './fake-upstream.ts'
import type { Behaviour } from './fake-upstream.ts'

const upstream = await startFakeUpstream()
const anthropic = new Anthropic({ apiKey: 'test', baseURL: upstream.url, maxRetries: 0 })
const openai = new OpenAI({ apiKey: 'test', baseURL: `${upstream.url}/v1`, maxRetries: 0 })

const prompt = { model: 'some-model', messages: [{ role: 'user' as const, content: 'Hallo' }] }
const message = { ...prompt, max_tokens: 100 }
const question = { model: 'some-model', input: 'Hallo' }

beforeEach(() => {
  upstream.reset()
})
after(() => upstream.close())

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${upstream.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
}

/** The answer as a client that looks at every chunk gets it. */
async function postRaw(path: string, body: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${upstream.url}${path}`, { method: 'POST' }, resolve)
    request.on('error', reject).end(JSON.stringify(body))
  })
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = []
  for await (const item of items) collected.push(item)
  return collected
}

test('errors have the shape of their provider', async () => {
  upstream.behave({ status: 529, headers: { 'retry-after': '7' }, error: { message: 'Too much' } })
  await assert.rejects(anthropic.messages.create(message), (error) => {
    assert.ok(error instanceof AnthropicError)
    assert.equal(error.status, 529)
    assert.equal(error.type, 'overloaded_error')
    assert.equal(error.headers?.get('retry-after'), '7')
    return true
  })
  upstream.behave({ status: 429 })
  await assert.rejects(openai.chat.completions.create(prompt), RateLimitError)
  upstream.behave({})
  await assert.rejects(openai.get('/nothing/here'), NotFoundError)
})

test('an error inside the stream is raised by the SDKs', async () => {
  upstream.behave({ errorAfter: 4 })
  await assert.rejects(anthropic.messages.stream(message).finalMessage(), /Overloaded/)
  const chat = await openai.chat.completions.create({ ...prompt, stream: true })
  await assert.rejects(collect(chat), APIError)
  const response = await openai.responses.create({ ...question, stream: true })
  assert.equal((await collect(response)).at(-1)?.type, 'error')
  upstream.behave({ errorAfter: 4, responsesFailure: 'response.failed' })
  const failed = await openai.responses.create({ ...question, stream: true })
  assert.equal((await collect(failed)).at(-1)?.type, 'response.failed')
  const call = await upstream.waitFor(([first]) => first?.ended === 'complete' && first)
  assert.equal(call.served.output, 10)
  assert.equal(call.served.reported, false)
})

const cuts: readonly (readonly [Partial<Behaviour>, boolean])[] = [
  [{ cutAfter: 0 }, true],
  [{ cutAfter: 5 }, true],
  [{ cutAfter: { bytes: 700 } }, true],
  [{ cutAfter: 1 }, false],
  [{ cutAfter: { bytes: 30 }, split: 7 }, false],
]
for (const [plan, stream] of cuts) {
  test(`a ${stream ? 'stream' : 'body'} is cut at ${JSON.stringify(plan)}`, async () => {
    upstream.behave(plan)
    const response = await post('/v1/messages', { ...message, stream })
    assert.equal(response.status, 200)
    await assert.rejects(response.text(), /terminated/)
    const call = await upstream.waitFor(([first]) => first?.ended === 'cut' && first)
    assert.equal(call.served.reported, false)
    if (plan.cutAfter === 5) assert.deepEqual([call.served.events, call.served.output], [5, 20])
    if (typeof plan.cutAfter === 'object') assert.equal(call.served.bytes, plan.cutAfter.bytes)
  })
}

test('it hangs up without a word', async () => {
  upstream.behave({ hangUp: true })
  await assert.rejects(post('/v1/messages', message), /fetch failed/)
  assert.equal(upstream.calls[0]?.ended, 'cut')
})

test('a stalled stream goes on when it is released', async () => {
  upstream.behave({ stallAfter: 4 })
  const answer = anthropic.messages.stream(message).finalMessage()
  await upstream.waitFor(([first]) => first?.served.events === 4)
  upstream.release()
  assert.deepEqual((await answer).content, [{ type: 'text', text: defaultText }])
})

test('a call without an answer gets one when it is released', async () => {
  upstream.behave({ neverAnswer: true })
  const answer = openai.responses.create(question)
  await upstream.waitFor((calls) => calls.length === 1)
  upstream.release()
  assert.equal((await answer).output_text, defaultText)
})

test('compressed answers are read by who did not ask for them', async () => {
  upstream.behave({ gzip: true, split: 3 })
  assert.deepEqual((await anthropic.messages.create(message)).content[0], { type: 'text', text: defaultText })
  const streamed = await anthropic.messages.stream(message).finalMessage()
  assert.deepEqual(streamed.content[0], { type: 'text', text: defaultText })
  const raw = await new Promise<IncomingMessage>((resolve) => get(`${upstream.url}/v1/models`, resolve))
  assert.equal(raw.headers['content-encoding'], 'gzip')
  raw.destroy()
})

test('streams are cut into bytes, in the middle of characters and line ends', async () => {
  upstream.behave({ split: 'bytes', lineEnd: '\r\n' })
  const streamed = await anthropic.messages.stream(message).finalMessage()
  assert.deepEqual(streamed.content[0], { type: 'text', text: defaultText })
  const stream = await openai.chat.completions.create({ ...prompt, stream: true })
  const texts = (await collect(stream)).map(({ choices: [choice] }) => choice?.delta.content ?? '')
  assert.equal(texts.join(''), defaultText)

  upstream.behave({ split: (body) => [body.subarray(0, 1000), body.subarray(1000)] })
  const response = await postRaw('/chat/completions', { ...prompt, stream: true })
  const lengths: number[] = []
  response.on('data', (chunk: Buffer) => lengths.push(chunk.length))
  await once(response, 'end')
  assert.equal(lengths.length, 2)
  assert.equal(lengths[0], 1000)
})

test('a stream can lack its end, its usage and its provider', async () => {
  const streamed = { ...prompt, stream: true, stream_options: { include_usage: true } }
  upstream.behave({ withoutTerminal: true })
  const endless = await (await post('/chat/completions', streamed)).text()
  assert.ok(endless.includes('"completion_tokens":50') && !endless.includes('[DONE]'))
  upstream.behave({ withoutUsage: true })
  assert.ok(!(await (await post('/chat/completions', streamed)).text()).includes('usage'))
  assert.ok(!(await (await post('/messages', { ...message, stream: true })).text()).includes('usage'))
  upstream.behave({ html: true, status: 502 })
  const page = await post('/chat/completions', streamed)
  assert.deepEqual([page.status, page.headers.get('content-type')], [502, 'text/html'])
  upstream.behave({ rawBody: 'data: {', contentType: 'text/event-stream' })
  assert.equal(await (await post('/chat/completions', streamed)).text(), 'data: {')
})

test('a plan can depend on the call', async () => {
  upstream.behave((call) => ({ text: `to ${call.model}`, usage: { input: call.rawBody.length }, delayMs: 1 }))
  const [one, two] = await Promise.all(
    ['one', 'two'].map((model) => openai.chat.completions.create({ ...prompt, model })),
  )
  assert.deepEqual([one?.choices[0]?.message.content, two?.choices[0]?.message.content], ['to one', 'to two'])
  assert.equal(one?.usage?.prompt_tokens, upstream.calls[0]?.rawBody.length)
})

test('a client that leaves is recorded with what it was served', async () => {
  upstream.behave({ stallAfter: 6 })
  const client = new AbortController()
  const stream = await anthropic.messages.create({ ...message, stream: true }, { signal: client.signal })
  await upstream.waitFor(([first]) => first?.served.events === 6)
  client.abort()
  const call = await upstream.waitFor(([first]) => first?.ended === 'client_gone' && first)
  assert.deepEqual([call.served.input, call.served.output, call.served.reported], [25, 30, false])
  await stream[Symbol.asyncIterator]().return?.()
})

test('a client that leaves in the middle of its request is recorded', async () => {
  const request = httpRequest(`${upstream.url}/v1/messages`, { method: 'POST' })
  request.on('error', () => undefined)
  await new Promise((resolve) => {
    request.write('{"model":', resolve)
  })
  request.destroy()
  const call = await upstream.waitFor(([first]) => first?.ended === 'client_gone' && first)
  assert.deepEqual(call.body, {})
})

test('a client that does not read holds the answer up', async () => {
  const hugeBodyBytes = 32 * 1024 * 1024
  upstream.behave({ hugeBodyBytes })
  const response = await postRaw('/v1/messages', message)
  const stuck = await upstream.waitFor(([first]) => (first?.served.bytes ?? 0) > 0 && first)
  assert.equal(stuck.ended, 'pending')
  assert.ok(stuck.served.bytes < hugeBodyBytes)
  let bytes = 0
  for await (const chunk of response) bytes += Buffer.from(chunk).length
  assert.ok(bytes > hugeBodyBytes)
  await upstream.waitFor(([first]) => first?.ended === 'complete')
})

test('a thousand calls at once are all served and all counted', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 })
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      const request = httpRequest(`${upstream.url}/v1/messages`, { method: 'POST', agent }, (response) => {
        response.resume().on('end', resolve).on('error', reject)
      })
      request.on('error', reject).end(JSON.stringify({ ...message, stream: true }))
    })
  await Promise.all(Array.from({ length: 1000 }, ask))
  agent.destroy()
  const calls = await upstream.waitFor((all) => all.every(({ ended }) => ended === 'complete') && all)
  assert.equal(
    calls.reduce((sum, { served }) => sum + served.output, 0),
    50_000,
  )
})

test('closing ends the calls that are open', async () => {
  const other = await startFakeUpstream({ plan: { neverAnswer: true } })
  const asked = assert.rejects(fetch(`${other.url}/v1/models`))
  await other.waitFor((calls) => calls.length === 1)
  const waiting = assert.rejects(
    other.waitFor(() => false),
    /was closed/,
  )
  await other.close()
  await Promise.all([asked, waiting])
  assert.equal(other.calls[0]?.ended, 'cut')
})
