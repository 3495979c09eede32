import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  PermissionDeniedError,
  RateLimitError,
} from 'openai'
import { chat, completion, pick, question, usage, usageColumns } from '../../support/dialogs.ts'
import { defaultText } from '../../support/fake-upstream.ts'
import { startScene } from '../../support/scene.ts'

// As long as an upstream of a test may take that is not silent, but slow.
const scene = await startScene({ env: { IDLE_TIMEOUT_MS: '2000', MAX_REQUEST_BODY_MB: '1' } })
const [alice, limited] = await Promise.all([
  scene.home.createKey(['--name', 'alice', '--token-limit', '100000']),
  scene.home.createKey(['--token-limit', '10']),
])
after(() => scene.close())

const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${scene.url}/v1`, maxRetries: 0 })
const client = clientOf(alice.key)

async function failure(asked: Promise<unknown>): Promise<APIError> {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof APIError)
  return error
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = []
  for await (const item of items) collected.push(item)
  return collected
}

test('a chat', async () => {
  const { id, headers } = scene.mark({ usage })
  const { data, request_id } = await client.chat.completions.create(chat, { headers }).withResponse()
  assert.equal(data.choices[0]?.message.content, defaultText)
  assert.equal(data.usage?.total_tokens, 37)
  assert.equal(request_id, id)
  const expected = { ...usageColumns, key_id: alice.id, metering: 'exact' }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

test('a streamed chat, which tells no usage unless it was asked', async () => {
  const [plain, asking] = [scene.mark({ usage }), scene.mark({ usage })]
  const chunks = await collect(
    await client.chat.completions.create({ ...chat, stream: true }, { headers: plain.headers }),
  )
  assert.equal(chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join(''), defaultText)
  for (const chunk of chunks) {
    assert.ok(!('usage' in chunk))
    assert.equal(chunk.choices.length, 1)
  }
  const options = { stream: true, stream_options: { include_usage: true } } as const
  const told = await collect(await client.chat.completions.create({ ...chat, ...options }, { headers: asking.headers }))
  assert.equal(told.at(-1)?.usage?.completion_tokens, 20)
  for (const { id } of [plain, asking]) assert.deepEqual(pick(await scene.entry(id), usageColumns), usageColumns)
})

test('a response, streamed and not', async () => {
  const [whole, streamed] = [scene.mark({ usage }), scene.mark({ usage })]
  assert.equal((await client.responses.create(question, { headers: whole.headers })).output_text, defaultText)
  const stream = client.responses.stream(question, { headers: streamed.headers })
  const final = await stream.finalResponse()
  assert.equal(final.output_text, defaultText)
  assert.equal(final.usage?.output_tokens_details.reasoning_tokens, 6)
  for (const { id } of [whole, streamed]) assert.deepEqual(pick(await scene.entry(id), usageColumns), usageColumns)
})

test('a completion, embeddings, models and a moderation', async () => {
  const [text, embeddings, models, moderation] = await Promise.all([
    client.completions.create(completion),
    client.embeddings.create({ model: 'embed-fake', input: ['eins', 'zwei'] }),
    client.models.list(),
    client.moderations.create({ input: 'Hallo' }),
  ])
  assert.equal(text.choices[0]?.text, defaultText)
  assert.deepEqual(embeddings.data[1]?.embedding, [0.5, -0.25, 0.125])
  assert.ok(models.data.some(({ id }) => id.startsWith('gpt-')))
  assert.equal(moderation.results[0]?.flagged, false)
})

test('sound comes out, and a file goes in, byte for byte', async () => {
  const speech = await client.audio.speech.create({ model: 'tts-fake', voice: 'alloy', input: 'Hallo' })
  const sound = Buffer.from(await speech.arrayBuffer())
  assert.deepEqual([sound.length, sound[255], sound[256]], [1024, 255, 0])
  const { id, headers } = scene.mark()
  const file = new File([sound], 'a.mp3', { type: 'audio/mpeg' })
  const transcription = await client.audio.transcriptions.create({ model: 'asr-fake', file }, { headers })
  assert.equal(transcription.text, defaultText)
  assert.ok(scene.seen(id)?.rawBody.includes(sound))
})

test('tools and images pass as they are', async () => {
  const { id, headers } = scene.mark()
  const body: OpenAI.Chat.ChatCompletionCreateParamsNonStreaming = {
    model: 'gpt-fake',
    tools: [{ type: 'function', function: { name: 'toll', parameters: { type: 'object' }, strict: true } }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Wie viele Achsen? 🚧' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgo='.repeat(1000)}` } },
        ],
      },
    ],
  }
  await client.chat.completions.create(body, { headers })
  assert.equal(scene.seen(id)?.rawBody.toString(), JSON.stringify(body))
})

test('refusals of the gateway are the errors that the SDK knows', async () => {
  await clientOf(limited.key).chat.completions.create(chat)
  const [unknown, spent, forbidden, large] = await Promise.all([
    failure(clientOf('tg_no_such_key').chat.completions.create(chat)),
    failure(clientOf(limited.key).chat.completions.create(chat)),
    failure(client.files.list().then((page) => page)),
    failure(client.chat.completions.create({ ...chat, user: 'x'.repeat(2_000_000) })),
  ])
  assert.ok(unknown instanceof AuthenticationError)
  assert.match(unknown.message, /Invalid API key/)
  assert.ok(spent instanceof RateLimitError)
  assert.deepEqual([spent.type, spent.headers?.has('retry-after')], ['rate_limit_exceeded', true])
  assert.ok(forbidden instanceof PermissionDeniedError)
  assert.equal(forbidden.code, 'endpoint_not_allowed')
  assert.deepEqual([large.status, large.code], [413, 'body_too_large'])
})

test('errors of the upstream are the errors that the SDK knows', async () => {
  const ask = (plan: object) => failure(client.chat.completions.create(chat, { headers: scene.mark(plan).headers }))
  const [bad, broken, page] = await Promise.all([
    ask({ status: 400, error: { code: 'context_length_exceeded' } }),
    ask({ status: 500 }),
    ask({ html: true }),
  ])
  assert.ok(bad instanceof BadRequestError)
  assert.equal(bad.code, 'context_length_exceeded')
  assert.ok(broken instanceof InternalServerError)
  assert.deepEqual([page.status, page.code], [502, 'upstream_invalid'])
})

test('an error in the middle of a stream is raised by the SDK, with its code', async () => {
  const plans = [
    [{ errorAfter: 3, error: { code: 'insufficient_quota' } }, 'insufficient_quota'],
    [{ cutAfter: 3 }, 'upstream_broken'],
    [{ cutAfter: { bytes: 700 } }, 'upstream_broken'],
    [{ stallAfter: 3 }, 'upstream_timeout'],
  ] as const
  await Promise.all(
    plans.map(async ([plan, code]) => {
      const [one, two] = [scene.mark(plan), scene.mark(plan)]
      const [stream, response] = await Promise.all([
        client.chat.completions.create({ ...chat, stream: true }, { headers: one.headers }),
        client.responses.create({ ...question, stream: true }, { headers: two.headers }),
      ])
      const [error, events] = await Promise.all([failure(collect(stream)), collect(response)])
      const last = events.at(-1)
      assert.deepEqual([error.code, last?.type === 'error' && last.code], [code, code])
    }),
  )
})
