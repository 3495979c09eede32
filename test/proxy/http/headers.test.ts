import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../support/ask.ts'
import { chat, message, pick } from '../../support/dialogs.ts'
import { until } from '../../support/gateway.ts'
import { startScene } from '../../support/scene.ts'

const [scene, restricted] = await Promise.all([
  startScene(),
  startScene({ env: { CORS_ORIGIN: 'https://console.example' } }),
])
after(() => Promise.all([scene.close(), restricted.close()]))

test("what belongs to the API is sent on, and what belongs to the caller's connection is not", async () => {
  const forwarded = {
    accept: 'application/json',
    'anthropic-beta': 'prompt-caching-2024-07-31,files-api-2025-04-14',
    'anthropic-version': '2023-01-01',
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'a-client/1.0',
  }
  const kept = {
    cookie: 'session=1',
    forwarded: 'for=10.0.0.1',
    'x-forwarded-for': '10.0.0.1',
    'x-forwarded-host': 'gateway.example',
    'x-forwarded-proto': 'https',
    'x-real-ip': '10.0.0.1',
    via: '1.1 proxy',
    origin: 'https://app.example',
    referer: 'https://app.example/secret',
    'proxy-authorization': 'Basic eDp5',
    'x-internal': 'x',
    te: 'trailers',
    'accept-encoding': 'gzip, br',
    'openai-organization': 'org-other',
    'idempotency-key': 'of one of many callers',
  }
  const { id, status } = await scene.ask('/v1/messages', { body: message, headers: { ...forwarded, ...kept } })
  assert.equal(status, 200)
  const seen = scene.seen(id)?.headers ?? {}
  assert.deepEqual(pick(seen, forwarded), forwarded)
  const { 'accept-encoding': encoding, via, ...rest } = pick(seen, kept)
  assert.deepEqual([encoding, via, rest], ['identity', '1.1 tollgate', {}])
  assert.equal(seen.host, new URL(scene.upstream.url).host)
})

test("Anthropic's version is filled in, and OpenAI's beta is sent on", async () => {
  const [anthropic, openai] = await Promise.all([
    scene.ask('/v1/messages', { body: message }),
    scene.ask('/v1/chat/completions', { body: chat, headers: { 'openai-beta': 'assistants=v2' } }),
  ])
  assert.equal(scene.seen(anthropic.id)?.headers['anthropic-version'], '2023-06-01')
  assert.equal(scene.seen(openai.id)?.headers['openai-beta'], 'assistants=v2')
})

for (const stream of [false, true]) {
  test(`of the upstream's headers a client gets ${stream ? 'with a stream' : ''} those that are meant for it`, async () => {
    const given = {
      'request-id': 'req_given',
      'retry-after': '5',
      'x-should-retry': 'true',
      'openai-processing-ms': '12',
      'x-custom': 'passes',
    }
    const withheld = {
      'set-cookie': ['__cf_bm=1', 'session=2'],
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-unified-5h-reset': '1',
      'x-ratelimit-remaining-tokens': '1',
      'ratelimit-reset': '1',
      'anthropic-organization-id': 'org',
      'openai-organization': 'org',
      'access-control-allow-origin': 'https://evil.example',
      'access-control-allow-credentials': 'true',
      'strict-transport-security': 'max-age=1',
      'cf-ray': 'x',
      server: 'cloudflare',
      location: 'https://elsewhere.example/v1/messages',
      via: '1.1 upstream',
      'proxy-authenticate': 'Basic',
      'alt-svc': 'h3=":443"',
      'keep-alive': 'timeout=77',
      'x-hop': 'named by Connection',
      connection: 'keep-alive, x-hop',
    }
    const plan = { headers: { ...given, ...withheld } }
    const { status, headers } = await scene.ask('/v1/messages', { body: { ...message, stream }, plan })
    assert.equal(status, 200)
    assert.deepEqual(pick(headers, given), given)
    const ours = { 'access-control-allow-origin': '*' }
    const { connection: _, 'keep-alive': ownKeepAlive, ...rest } = pick(headers, withheld)
    assert.deepEqual(rest, ours)
    assert.notEqual(ownKeepAlive, 'timeout=77')
  })
}

test('the length of a stream is not sent on: it gets shorter and longer on its way', async () => {
  const rawBody = 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\ndata: [DONE]\n\n'
  const plan = { rawBody, contentType: 'text/event-stream' }
  const { status, headers, text } = await scene.ask('/v1/chat/completions', { body: { ...chat, stream: true }, plan })
  assert.equal(status, 200)
  assert.equal(headers['content-length'], undefined)
  assert.equal(text, 'data: [DONE]\n\n')
})

test('a request id is taken from the caller if it is a plain one, and given in every answer', async () => {
  const given = ['abc', 'A.b:c/d+e=f-g_h', 'x'.repeat(128)]
  const refused = ['', 'with blank', 'x'.repeat(129), 'quote"', '<script>', 'ü']
  for (const id of given) {
    const answer = await scene.ask('/v1/messages', { body: message, headers: { 'x-request-id': id } })
    assert.equal(answer.headers['x-request-id'], id)
    assert.equal((await scene.entry(id)).http_status, 200)
  }
  for (const id of refused) {
    const answer = await scene.ask('/v1/messages', { key: null, headers: { 'x-request-id': id }, body: message })
    assert.match(String(answer.headers['x-request-id']), /^[0-9A-Z]{26}$/)
    assert.equal(json(answer.text)['request_id'], answer.headers['x-request-id'])
  }
})

test('the log tells of a refusal under its request id', async () => {
  const { id } = await scene.ask('/v1/messages', { body: message, plan: { hangUp: true } })
  const line = await until('the line', () => scene.gateway.log.find((each) => each['requestId'] === id))
  assert.equal(line['code'], 'upstream_broken')
})

test('scripts of other sites may call /v1, and nothing else', async () => {
  const asking = {
    origin: 'https://app.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-api-key,x-stainless-lang,anthropic-beta',
  }
  const paths = ['/v1/messages', '/v1/chat/completions', '/v1/models', '/v1/anything']
  const preflights = await Promise.all(
    paths.map((path) => scene.ask(path, { method: 'OPTIONS', key: null, headers: asking })),
  )
  for (const { status, headers, text } of preflights) {
    assert.deepEqual([status, text], [204, ''])
    assert.equal(headers['access-control-allow-origin'], '*')
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      assert.ok(headers['access-control-allow-methods']?.includes(method))
    }
    const allowed = headers['access-control-allow-headers']?.toLowerCase().split(/\s*,\s*/) ?? []
    for (const name of asking['access-control-request-headers'].split(',')) assert.ok(allowed.includes(name), name)
  }
  const answers = await Promise.all([
    scene.ask('/v1/messages', { body: message }),
    scene.ask('/v1/messages', { body: { ...message, stream: true } }),
    scene.ask('/v1/messages', { body: message, key: null }),
    scene.ask('/v1/messages', { body: message, plan: { status: 500 } }),
  ])
  for (const { headers } of answers) assert.equal(headers['access-control-allow-origin'], '*')
  const pages = await Promise.all(
    ['/', '/health', '/stats', '/metrics', '/nothing'].flatMap((path) => [
      scene.ask(path, { headers: { origin: 'https://app.example' } }),
      scene.ask(path, { method: 'OPTIONS', headers: asking }),
    ]),
  )
  for (const { headers } of pages) {
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('access-control')),
      [],
    )
  }
})

test('CORS_ORIGIN names the one site whose scripts may call', async () => {
  const { headers } = await restricted.ask('/v1/messages', {
    body: message,
    headers: { origin: 'https://evil.example' },
  })
  assert.equal(headers['access-control-allow-origin'], 'https://console.example')
})
