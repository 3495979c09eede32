import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat, eventsOf, pick } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

// What these statuses have in common with those of messages is tested there; here it is OpenAI's shape.
const scene = await startScene({
  env: {
    LIMIT_WAIT_MS: '0',
    FIRST_BYTE_TIMEOUT_MS: '300',
    IDLE_TIMEOUT_MS: '300',
    MAX_REQUEST_BODY_MB: '1',
    MAX_CONCURRENT_REQUESTS: '20',
  },
})
after(() => scene.close())

const path = '/v1/chat/completions'
const stream = { ...chat, stream: true }

test('400: a body that is no JSON object', async () => {
  const { id, status, text } = await scene.ask(path, { body: '{"model":' })
  assert.equal(status, 400)
  const message = 'The body is not a JSON object; send one with content-type application/json.'
  assert.deepEqual(json(text), {
    error: { message, type: 'invalid_request_error', param: null, code: 'json_invalid' },
    code: 'json_invalid',
    message,
    request_id: id,
  })
  assert.equal(scene.seen(id), undefined)
})

const withoutKey: readonly (readonly [what: string, headers: Record<string, string>, message: string, code: string])[] =
  [
    ['no key', {}, 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>', 'key_missing'],
    ['a blank key', { authorization: 'Bearer ' }, 'API key cannot be empty', 'key_blank'],
    ['an unknown key', { authorization: 'Bearer tg_no_such_key' }, 'Invalid API key', 'key_invalid'],
  ]
for (const [what, headers, message, code] of withoutKey) {
  test(`401: ${what}, in system A's words`, async () => {
    const { id, status, text } = await scene.ask(path, { key: null, headers, body: chat })
    assert.equal(status, 401)
    assert.deepEqual(json(text), { error: message, code, message, request_id: id })
  })
}

test('403: a key for other endpoints', async () => {
  const { key } = await scene.home.createKey(['--allow-endpoint', 'messages'])
  const { id, status, text } = await scene.ask(path, { key, body: chat })
  assert.equal(status, 403)
  const message =
    'The endpoint chat/completions is not open to this key; an administrator can name it in allowed_endpoints.'
  assert.deepEqual(json(text), {
    error: { message, type: 'permission_error', param: null, code: 'endpoint_not_allowed' },
    code: 'endpoint_not_allowed',
    message,
    request_id: id,
  })
})

test('405: a method that it does not know', async () => {
  const { status, headers, text } = await scene.ask(path)
  assert.deepEqual([status, headers.allow, json(text)['code']], [405, 'POST', 'method_not_allowed'])
})

test('413: a body over the limit', async () => {
  const { id, status, text } = await scene.ask(path, { body: Buffer.alloc(5_000_000, ' ') })
  assert.equal(status, 413)
  const message = 'The body is larger than the 1 MB that this gateway accepts.'
  assert.deepEqual(json(text), {
    error: { message, type: 'invalid_request_error', param: null, code: 'body_too_large' },
    code: 'body_too_large',
    message,
    request_id: id,
  })
})

test("429: a spent limit in system A's words, and too many requests in OpenAI's", async () => {
  const [limited, slow] = await Promise.all([
    scene.home.createKey(['--token-limit', '75']),
    scene.home.createKey(['--rpm', '1']),
  ])
  const first = await Promise.all([limited, slow].map(({ key }) => scene.ask(path, { key, body: chat })))
  assert.deepEqual(
    first.map(({ status }) => status),
    [200, 200],
  )
  const [spent, many] = await Promise.all([limited, slow].map(({ key }) => scene.ask(path, { key, body: chat })))
  assert.deepEqual([spent?.status, many?.status], [429, 429])
  const body = json(spent?.text ?? '')
  const message = 'Token limit exceeded for 5-hour window'
  const endsAt = json(JSON.stringify(body['error']))['window_ends_at']
  assert.deepEqual(body, {
    error: { message, type: 'rate_limit_exceeded', tokens_used: 75, tokens_limit: 75, window_ends_at: endsAt },
    code: 'window_exhausted',
    message,
    request_id: spent?.id,
  })
  assert.ok(Number(spent?.headers['retry-after']) > 17_000)
  const { error } = json(many?.text ?? '')
  const sentence = 'Request rate limit exceeded, please try again later'
  assert.deepEqual(error, { message: sentence, type: 'rate_limit_exceeded', param: null, code: 'rate_limited' })
})

test('503: more calls than MAX_CONCURRENT_REQUESTS', async () => {
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => scene.ask(path, { body: chat, plan: { delayMs: 100 } })),
  )
  const refused = answers.filter(({ status }) => status !== 200)
  assert.ok(refused.length > 0)
  for (const { id, status, headers, text } of refused) {
    assert.deepEqual([status, headers['retry-after']], [503, '1'])
    const message = 'The gateway has as many calls in flight as it accepts; try again in a moment.'
    assert.deepEqual(json(text)['error'], { message, type: 'server_error', param: null, code: 'overloaded' })
    assert.equal(scene.seen(id), undefined)
  }
})

test('an error of the upstream is passed on with its status, body and Retry-After', async () => {
  const statuses = [400, 401, 404, 429, 500, 503]
  await Promise.all(
    statuses.map(async (expected) => {
      const plan = { status: expected, headers: { 'retry-after': '3', 'x-should-retry': 'false' } }
      const [answer, direct] = await Promise.all([
        scene.ask(path, { body: stream, plan }),
        scene.direct(path, { body: stream, plan }),
      ])
      assert.deepEqual([answer.status, answer.text], [expected, direct.text])
      assert.deepEqual(pick(answer.headers, plan.headers), plan.headers)
      const entry = { status: 'completed', http_status: expected, metering: 'exact', spend_tokens: 0, error: null }
      assert.deepEqual(pick(await scene.entry(answer.id), entry), entry)
    }),
  )
})

test('502: a web page for an answer, and no answer at all', async () => {
  const [page, nothing] = await Promise.all([
    scene.ask(path, { body: chat, plan: { html: true } }),
    scene.ask(path, { body: chat, plan: { hangUp: true } }),
  ])
  assert.deepEqual([page.status, json(page.text)['code']], [502, 'upstream_invalid'])
  assert.deepEqual([nothing.status, json(nothing.text)['code']], [502, 'upstream_broken'])
})

describe('an upstream that is silent', { concurrency: true }, () => {
  const message = 'The upstream did not answer in time; try again.'
  const timeout = { code: 'upstream_timeout', message }
  const error = { message, type: 'server_error', param: null, code: 'upstream_timeout' }

  test('504: before its answer', async () => {
    const { id, status, text } = await scene.ask(path, { body: chat, plan: { neverAnswer: true } })
    assert.equal(status, 504)
    assert.deepEqual(json(text), { error, ...timeout, request_id: id })
    assert.equal((await scene.entry(id)).metering, 'estimated')
  })

  test('in its stream: an error event', async () => {
    const { id, status, text } = await scene.ask(path, { body: stream, plan: { stallAfter: 3 } })
    assert.equal(status, 200)
    const events = eventsOf(text).map(json)
    assert.equal(events.length, 4)
    assert.deepEqual(events.at(-1), { error, ...timeout, request_id: id })
    const expected = { status: 'failed', error: 'upstream_timeout', metering: 'estimated' }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })
})
