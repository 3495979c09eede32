import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import Anthropic, {
  APIConnectionError,
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  PermissionDeniedError,
  RateLimitError,
} from '@anthropic-ai/sdk'
import { message, pick, usage, usageColumns } from '../../support/dialogs.ts'
import { defaultText } from '../../support/fake-upstream.ts'
import { startScene } from '../../support/scene.ts'

// As long as an upstream of a test may take that is not silent, but slow.
const scene = await startScene({ env: { IDLE_TIMEOUT_MS: '2000', MAX_REQUEST_BODY_MB: '1' } })
const [alice, limited, narrow] = await Promise.all([
  scene.home.createKey(['--name', 'alice', '--token-limit', '100000']),
  scene.home.createKey(['--token-limit', '10']),
  scene.home.createKey(['--allow-endpoint', 'models']),
])
after(() => scene.close())

const clientOf = (apiKey: string) => new Anthropic({ apiKey, baseURL: scene.url, maxRetries: 0 })
const client = clientOf(alice.key)

async function failure(asked: Promise<unknown>): Promise<APIError> {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof APIError)
  return error
}

test('a message', async () => {
  const { id, headers } = scene.mark({ usage })
  const { data, response, request_id } = await client.messages.create(message, { headers }).withResponse()
  assert.deepEqual(data.content, [{ type: 'text', text: defaultText }])
  assert.deepEqual(pick(data.usage, { input_tokens: 0, output_tokens: 0 }), { input_tokens: 10, output_tokens: 20 })
  assert.equal(request_id, scene.seen(id)?.requestId)
  assert.equal(response.headers.get('x-request-id'), id)
  const expected = { ...usageColumns, key_id: alice.id, metering: 'exact' }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

test('the key as authToken, which is sent as Bearer', async () => {
  const bearer = new Anthropic({ authToken: alice.key, apiKey: null, baseURL: scene.url, maxRetries: 0 })
  assert.equal((await bearer.messages.create(message)).type, 'message')
})

test('a streamed message, event by event and as a whole', async () => {
  const { id, headers } = scene.mark({ usage, chunks: 7 })
  const stream = client.messages.stream(message, { headers })
  let text = ''
  stream.on('text', (delta) => (text += delta))
  const answer = await stream.finalMessage()
  assert.equal(text, defaultText)
  assert.equal(answer.stop_reason, 'end_turn')
  const expected = { input_tokens: 10, cache_read_input_tokens: 4, output_tokens: 20 }
  assert.deepEqual(pick(answer.usage, expected), expected)
  assert.deepEqual(pick(await scene.entry(id), usageColumns), usageColumns)
})

test('tools, images and betas pass as they are', async () => {
  const { id, headers } = scene.mark()
  const body: Anthropic.Beta.MessageCreateParamsNonStreaming = {
    ...message,
    betas: ['files-api-2025-04-14'],
    tools: [{ name: 'toll', input_schema: { type: 'object', properties: { axles: { type: 'integer' } } } }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo='.repeat(1000) } },
          { type: 'text', text: 'Wie viele Achsen? 🚧' },
        ],
      },
    ],
  }
  await client.beta.messages.create(body, { headers, query: { beta: 'true' } })
  const { betas, ...sent } = body
  const seen = scene.seen(id)
  assert.equal(seen?.rawBody.toString(), JSON.stringify(sent))
  assert.equal(seen.headers['anthropic-beta'], betas?.join(','))
  assert.equal(seen.query, '?beta=true')
})

test('tokens and models', async () => {
  const { max_tokens: _, ...counted } = message
  const { headers } = scene.mark({ usage: { input: 77 } })
  assert.deepEqual(await client.messages.countTokens(counted, { headers }), { input_tokens: 77 })
  const models = await client.models.list()
  assert.ok(models.data.length > 0 && models.data.every(({ id }) => id.startsWith('claude-')))
  const [first] = models.data
  assert.deepEqual(await client.models.retrieve(first?.id ?? ''), first)
})

test('refusals of the gateway are the errors that the SDK knows', async () => {
  const big = { ...message, system: 'x'.repeat(2_000_000) }
  await clientOf(limited.key).messages.create(message)
  const [unknown, spent, forbidden, large] = await Promise.all([
    failure(clientOf('tg_no_such_key').messages.create(message)),
    failure(clientOf(limited.key).messages.create(message)),
    failure(clientOf(narrow.key).messages.create(message)),
    failure(client.messages.create(big)),
  ])
  assert.ok(unknown instanceof AuthenticationError)
  assert.match(unknown.message, /Invalid API key/)
  assert.ok(spent instanceof RateLimitError)
  assert.equal(spent.headers?.get('retry-after') === null, false)
  assert.match(spent.message, /Token limit exceeded/)
  assert.ok(forbidden instanceof PermissionDeniedError)
  assert.equal(forbidden.type, 'permission_error')
  assert.deepEqual([large.status, large.type], [413, 'request_too_large'])
})

test('errors of the upstream are the errors that the SDK knows', async () => {
  const ask = (status: number) => failure(client.messages.create(message, { headers: scene.mark({ status }).headers }))
  const [bad, overloaded] = await Promise.all([ask(400), ask(529)])
  assert.ok(bad instanceof BadRequestError)
  assert.equal(bad.type, 'invalid_request_error')
  assert.ok(overloaded instanceof InternalServerError)
  assert.deepEqual([overloaded.status, overloaded.type], [529, 'overloaded_error'])
  const page = await failure(client.messages.create(message, { headers: scene.mark({ html: true }).headers }))
  assert.ok(page instanceof InternalServerError && !(page instanceof APIConnectionError))
  assert.deepEqual([page.status, page.type], [502, 'api_error'])
})

test('an error in the middle of a stream is raised by the SDK, with its type', async () => {
  const plans = [
    [{ errorAfter: 4 }, 'overloaded_error', /Overloaded/],
    [{ cutAfter: 5 }, 'api_error', /broke off/],
    [{ cutAfter: { bytes: 900 } }, 'api_error', /broke off/],
    [{ stallAfter: 5 }, 'timeout_error', /in time/],
  ] as const
  await Promise.all(
    plans.map(async ([plan, type, sentence]) => {
      const error = await failure(client.messages.stream(message, { headers: scene.mark(plan).headers }).finalMessage())
      assert.equal(error.type, type)
      assert.match(error.message, sentence)
    }),
  )
})

test('the SDK tries again by itself after a refusal, and every attempt is an entry', async () => {
  const statuses = [529, 200]
  const retrying = new Anthropic({ apiKey: alice.key, baseURL: scene.url, maxRetries: 2 })
  const { id, headers } = scene.mark()
  scene.upstream.behave((call) =>
    call.headers['x-client-request-id'] === id
      ? { status: statuses.shift() ?? 500, headers: { 'retry-after-ms': '1' } }
      : {},
  )
  assert.equal((await retrying.messages.create(message, { headers })).type, 'message')
  scene.upstream.reset()
})

test('a stream that is aborted is recorded', async () => {
  const { id, headers } = scene.mark({ usage, stallAfter: 5 })
  const stream = await client.messages.create({ ...message, stream: true }, { headers })
  for await (const event of stream) if (event.type === 'content_block_delta') break
  scene.upstream.release()
  assert.equal((await scene.entry(id)).metering, 'exact')
})
