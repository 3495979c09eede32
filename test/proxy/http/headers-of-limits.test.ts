import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { after, test } from 'node:test'
import Anthropic, { RateLimitError as AnthropicRateLimitError } from '@anthropic-ai/sdk'
import OpenAI, { RateLimitError as OpenAIRateLimitError } from 'openai'
import { json } from '../../support/ask.ts'
import { chat, message, usage } from '../../support/dialogs.ts'
import { startScene } from '../../support/scene.ts'

const scene = await startScene({ env: { LIMIT_WAIT_MS: '0', SSE_HEARTBEAT_MS: '20' } })
after(() => scene.close())

/** What one call with `usage` spends. */
const SPEND = 33
const LIMIT = 1_000_000
const HOUR_MS = 3_600_000

const [both, ofRequests, ofTokens, unlimited, narrow, openai, anthropic, spentRequests, spentTokens] =
  await Promise.all([
    scene.home.createKey(['--rpm', '100', '--token-limit', String(LIMIT)]),
    scene.home.createKey(['--rpm', '100']),
    scene.home.createKey(['--token-limit', String(LIMIT)]),
    scene.home.createKey(),
    scene.home.createKey(['--rpm', '100', '--allow-endpoint', 'models']),
    scene.home.createKey(['--rpm', '100', '--token-limit', String(LIMIT)]),
    scene.home.createKey(['--rpm', '100', '--token-limit', String(LIMIT)]),
    scene.home.createKey(['--rpm', '1']),
    scene.home.createKey(['--token-limit', String(SPEND)]),
  ])

const requestNames = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']
const tokenNames = [
  'anthropic-ratelimit-tokens-limit',
  'anthropic-ratelimit-tokens-remaining',
  'anthropic-ratelimit-tokens-reset',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-tokens',
]
const allNames = [...requestNames, ...tokenNames].toSorted()

const namesIn = (headers: IncomingHttpHeaders): string[] =>
  Object.keys(headers)
    .filter((name) => name.includes('ratelimit'))
    .toSorted()

const numberIn = (headers: IncomingHttpHeaders, name: string): number => Number(headers[name])

/** What OpenAI's form of a duration says, in milliseconds. */
function msOf(duration: unknown): number {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:(\d+)ms)?$/.exec(String(duration))
  assert.ok(match, `a duration: ${String(duration)}`)
  const [hours, minutes, seconds, ms] = match.slice(1).map((part) => Number(part ?? 0))
  return Math.round(((hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1000) + (ms ?? 0)
}

for (const [what, key, expected] of [
  ['requests and tokens', both, allNames],
  ['requests', ofRequests, requestNames],
  ['tokens', ofTokens, tokenNames],
  ['nothing', unlimited, []],
] as const) {
  test(`a key with a limit of ${what} is told of that with every kind of answer`, async () => {
    const foreign = { 'x-ratelimit-limit-requests': '60', 'anthropic-ratelimit-requests-remaining': '1' }
    const own = {
      'x-ratelimit-remaining': '7',
      'x-ratelimit-limit-tokens': '7',
      'anthropic-ratelimit-tokens-reset': '7',
    }
    const upstreams = { headers: { ...foreign, ...own } }
    const calls = [
      ['/v1/chat/completions', { body: chat }, 200],
      ['/v1/chat/completions', { body: { ...chat, stream: true } }, 200],
      ['/v1/messages', { body: message }, 200],
      ['/v1/messages', { body: { ...message, stream: true } }, 200],
      ['/v1/messages', { body: message, plan: { ...upstreams, status: 429 } }, 429],
      ['/v1/messages', { body: message, plan: { ...upstreams, status: 500 } }, 500],
      ['/v1/messages', { body: message, plan: { hangUp: true } }, 502],
      ['/v1/messages', { body: '{' }, 400],
    ] as const
    for (const [path, options, expectedStatus] of calls) {
      const { status, headers } = await scene.ask(path, { plan: upstreams, ...options, key: key.key })
      assert.equal(status, expectedStatus)
      assert.deepEqual(namesIn(headers), expected)
      for (const name of namesIn(headers)) assert.notEqual(headers[name], '7', `${name} is the upstream's`)
    }
  })
}

test('a refusal that comes before the limits are looked at tells of them, and one of an unknown key does not', async () => {
  const closed = await scene.ask('/v1/messages', { body: message, key: narrow.key })
  assert.deepEqual([closed.status, namesIn(closed.headers)], [403, requestNames])
  assert.equal(closed.headers['x-ratelimit-remaining'], '100')
  const unknown = await scene.ask('/v1/messages', { body: message, key: `${both.key}x` })
  assert.deepEqual([unknown.status, namesIn(unknown.headers)], [401, []])
})

test('what is left is told as it is when the head is written', async () => {
  const { key } = await scene.home.createKey(['--rpm', '10', '--token-limit', String(LIMIT)])
  const askedAt = Date.now()
  const first = await scene.ask('/v1/messages', { key, body: message, plan: { usage } })
  const open = await scene.open('/v1/messages', { key, body: { ...message, stream: true }, plan: { usage } })
  await open.whole()
  const third = await scene.ask('/v1/messages', { key, body: message, plan: { usage } })
  const answeredAt = Date.now()

  const heads = [first.headers, open.headers, third.headers]
  assert.deepEqual(
    heads.map((headers) => headers['x-ratelimit-remaining']),
    ['9', '8', '7'],
  )
  const [afterFirst = 0, duringSecond = 0, afterThird = 0] = heads.map((headers) =>
    numberIn(headers, 'x-ratelimit-remaining-tokens'),
  )
  assert.equal(afterFirst, LIMIT - SPEND)
  assert.ok(duringSecond < LIMIT - 2 * SPEND, 'all that the stream may use is taken off')
  assert.equal(afterThird, LIMIT - 3 * SPEND)
  for (const headers of heads) {
    assert.equal(headers['x-ratelimit-limit'], '10')
    assert.equal(headers['x-ratelimit-limit-tokens'], String(LIMIT))
    assert.equal(headers['anthropic-ratelimit-tokens-limit'], String(LIMIT))
    assert.equal(headers['anthropic-ratelimit-tokens-remaining'], headers['x-ratelimit-remaining-tokens'])
    // A request leaves after a minute and at most a second, and tokens after five hours and at most a minute.
    const requestsResetMs = numberIn(headers, 'x-ratelimit-reset') * 1000
    assert.ok(requestsResetMs >= askedAt + 60_000 && requestsResetMs <= answeredAt + 62_000)
    const tokensResetMs = Date.parse(String(headers['anthropic-ratelimit-tokens-reset']))
    assert.ok(tokensResetMs >= askedAt + 5 * HOUR_MS && tokensResetMs <= answeredAt + 5 * HOUR_MS + 61_000)
    const resetsInMs = msOf(headers['x-ratelimit-reset-tokens'])
    assert.ok(tokensResetMs >= askedAt + resetsInMs && tokensResetMs < answeredAt + resetsInMs + 1000)
  }
})

test('a stream whose head is a heartbeat has them as well', async () => {
  const plan = { neverAnswer: true }
  const { status, headers, received, hangUp } = await scene.open('/v1/messages', {
    key: both.key,
    body: { ...message, stream: true },
    plan,
  })
  assert.equal(status, 200)
  assert.doesNotMatch(received(), /data:/)
  assert.deepEqual(namesIn(headers), allNames)
  hangUp()
  scene.upstream.release()
})

test('a refusal of a spent rate says twice when to come back, and the same', async () => {
  const { key } = spentRequests
  const first = await scene.ask('/v1/messages', { key, body: message })
  assert.deepEqual([first.status, first.headers['x-ratelimit-remaining']], [200, '0'])
  const askedAt = Date.now()
  const { status, headers } = await scene.ask('/v1/messages', { key, body: message })
  const answeredAt = Date.now()
  assert.deepEqual([status, namesIn(headers)], [429, requestNames])
  assert.deepEqual([headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']], ['1', '0'])
  assert.equal(headers['x-ratelimit-reset'], first.headers['x-ratelimit-reset'])
  const resetMs = numberIn(headers, 'x-ratelimit-reset') * 1000
  const retryAfterMs = numberIn(headers, 'retry-after') * 1000
  assert.ok(resetMs > askedAt + retryAfterMs - 1000 && resetMs < answeredAt + retryAfterMs + 1000)
})

test('a refusal of spent tokens says in four ways when to come back, and the same', async () => {
  const { key } = spentTokens
  const first = await scene.ask('/v1/messages', { key, body: message, plan: { usage } })
  assert.deepEqual([first.status, first.headers['x-ratelimit-remaining-tokens']], [200, '0'])
  const askedAt = Date.now()
  const { status, headers, text } = await scene.ask('/v1/messages', { key, body: message })
  const elapsedMs = Date.now() - askedAt
  assert.deepEqual([status, namesIn(headers)], [429, tokenNames])
  assert.equal(headers['anthropic-ratelimit-tokens-remaining'], '0')
  const error = json(JSON.stringify(json(text)['error']))
  const endsAt = Date.parse(String(error['window_ends_at']))
  assert.equal(Date.parse(String(headers['anthropic-ratelimit-tokens-reset'])), Math.ceil(endsAt / 1000) * 1000)
  const resetsInMs = msOf(headers['x-ratelimit-reset-tokens'])
  const retryAfterMs = numberIn(headers, 'retry-after') * 1000
  assert.ok(resetsInMs <= retryAfterMs && resetsInMs > retryAfterMs - 1000 - elapsedMs)
})

test('scripts of other sites may read them', async () => {
  const { headers } = await scene.ask('/v1/messages', { key: both.key, body: message })
  const exposed = headers['access-control-expose-headers']?.split(', ') ?? []
  for (const name of ['x-request-id', 'retry-after', ...namesIn(headers)]) assert.ok(exposed.includes(name), name)
})

test("OpenAI's client sees them, in answers, streams and errors", async () => {
  const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${scene.url}/v1`, maxRetries: 0 })
  const { completions } = clientOf(openai.key).chat
  const { response } = await completions.create(chat, { headers: scene.mark({ usage }).headers }).withResponse()
  assert.equal(response.headers.get('X-RateLimit-Remaining'), '99')
  assert.equal(response.headers.get('x-ratelimit-remaining-tokens'), String(LIMIT - SPEND))
  assert.ok(msOf(response.headers.get('x-ratelimit-reset-tokens')) >= 5 * HOUR_MS - 60_000)

  const streamed = await completions
    .create({ ...chat, stream: true }, { headers: scene.mark({ usage }).headers })
    .withResponse()
  assert.equal(streamed.response.headers.get('x-ratelimit-remaining'), '98')
  assert.equal(streamed.response.headers.get('x-ratelimit-limit-tokens'), String(LIMIT))
  streamed.data.controller.abort()

  const once = await scene.home.createKey(['--rpm', '1'])
  await clientOf(once.key).chat.completions.create(chat)
  await assert.rejects(clientOf(once.key).chat.completions.create(chat), (error) => {
    assert.ok(error instanceof OpenAIRateLimitError)
    assert.equal(error.headers.get('x-ratelimit-remaining'), '0')
    return true
  })
})

test("Anthropic's client sees them, in answers, streams and errors", async () => {
  const clientOf = (apiKey: string) => new Anthropic({ apiKey, baseURL: scene.url, maxRetries: 0 })
  const { messages } = clientOf(anthropic.key)
  const { response } = await messages.create(message, { headers: scene.mark({ usage }).headers }).withResponse()
  assert.equal(response.headers.get('anthropic-ratelimit-tokens-limit'), String(LIMIT))
  assert.equal(response.headers.get('anthropic-ratelimit-tokens-remaining'), String(LIMIT - SPEND))
  assert.match(response.headers.get('anthropic-ratelimit-tokens-reset') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)

  const streamed = await messages
    .create({ ...message, stream: true }, { headers: scene.mark({ usage }).headers })
    .withResponse()
  assert.equal(streamed.response.headers.get('X-RateLimit-Remaining'), '98')
  streamed.data.controller.abort()

  const once = await scene.home.createKey(['--token-limit', String(SPEND)])
  await clientOf(once.key).messages.create(message, { headers: scene.mark({ usage }).headers })
  await assert.rejects(clientOf(once.key).messages.create(message), (error) => {
    assert.ok(error instanceof AnthropicRateLimitError)
    assert.equal(error.headers.get('anthropic-ratelimit-tokens-remaining'), '0')
    return true
  })
})
