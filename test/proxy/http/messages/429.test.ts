import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message, pick } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene({ env: { LIMIT_WAIT_MS: '200' } })
after(() => scene.close())

const HOUR_MS = 3_600_000

test('a key that has spent its five-hour limit is told so as system A told it', async () => {
  const { key } = await scene.home.createKey(['--token-limit', '75'])
  const before = Date.now()
  assert.equal((await scene.ask('/v1/messages', { key, body: message })).status, 200)

  const { id, status, headers, text } = await scene.ask('/v1/messages', { key, body: message })
  assert.equal(status, 429)
  const body = json(text)
  const error = json(JSON.stringify(body['error']))
  const endsAt = Date.parse(String(error['window_ends_at']))
  const sentence = 'Token limit exceeded for 5-hour window'
  assert.deepEqual(body, {
    type: 'error',
    error: {
      message: sentence,
      type: 'rate_limit_exceeded',
      tokens_used: 75,
      tokens_limit: 75,
      window_ends_at: new Date(endsAt).toISOString(),
    },
    code: 'window_exhausted',
    message: sentence,
    request_id: id,
  })
  assert.ok(endsAt >= before + 5 * HOUR_MS && endsAt <= Date.now() + 5 * HOUR_MS + 60_000)
  const retryAfter = Number(headers['retry-after'])
  assert.equal(headers['x-should-retry'], 'false', 'an SDK would sit the hours out without a word')
  assert.ok(retryAfter >= 5 * 3600 - 60 && retryAfter <= 5 * 3600 + 60, `Retry-After: ${retryAfter}`)
  assert.equal(scene.seen(id), undefined)
  assert.deepEqual(scene.entries(id), [])
})

test('the call that crosses the limit passes, and a stream counts as well', async () => {
  const { key } = await scene.home.createKey(['--token-limit', '100'])
  const body = { ...message, stream: true }
  const first = await scene.ask('/v1/messages', { key, body })
  const second = await scene.ask('/v1/messages', { key, body })
  const third = await scene.ask('/v1/messages', { key, body })
  assert.deepEqual([first.status, second.status, third.status], [200, 200, 429])
  assert.deepEqual(pick(json(JSON.stringify(json(third.text)['error'])), { tokens_used: 0 }), { tokens_used: 150 })
})

test('calls that arrive together do not overshoot: one at a time is let in near the limit', async () => {
  const { key } = await scene.home.createKey(['--token-limit', '75'])
  const answers = await Promise.all(Array.from({ length: 10 }, () => scene.ask('/v1/messages', { key, body: message })))
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, ...Array.from({ length: 9 }, () => 429)],
  )
})

test('a call that waits in vain for calls in flight is told to try again soon', async () => {
  const { key } = await scene.home.createKey(['--token-limit', '75'])
  const { id: held, headers: marks } = scene.mark({ neverAnswer: true })
  const first = scene.ask('/v1/messages', { key, body: message, headers: marks })
  await scene.upstream.waitFor(() => scene.seen(held)?.ended === 'pending')
  const { status, headers, text } = await scene.ask('/v1/messages', { key, body: message })
  scene.upstream.release()
  assert.equal((await first).status, 200)
  assert.equal(status, 429)
  assert.equal(headers['retry-after'], '1')
  const { code, error } = json(text)
  assert.equal(code, 'window_reserved')
  assert.equal(json(JSON.stringify(error))['type'], 'rate_limit_error')
})

test('requests beyond those of a minute are refused until the oldest is a minute old', async () => {
  const { key } = await scene.home.createKey(['--rpm', '3'])
  const statuses: number[] = []
  for (let call = 0; call < 3; call++) statuses.push((await scene.ask('/v1/messages', { key, body: message })).status)
  const { id, status, headers, text } = await scene.ask('/v1/messages', { key, body: message })
  assert.deepEqual([...statuses, status], [200, 200, 200, 429])
  const sentence = 'Request rate limit exceeded, please try again later'
  assert.deepEqual(json(text), {
    type: 'error',
    error: { type: 'rate_limit_error', message: sentence },
    code: 'rate_limited',
    message: sentence,
    request_id: id,
  })
  const retryAfter = Number(headers['retry-after'])
  assert.ok(retryAfter > 30 && retryAfter <= 61, `Retry-After: ${retryAfter}`)
})

test("the upstream's own 429 is passed on with its Retry-After and without the account's figures", async () => {
  const limits = { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-unified-status': 'rejected' }
  const plan = { status: 429, headers: { 'retry-after': '17', ...limits } }
  const { id, status, headers, text } = await scene.ask('/v1/messages', { body: message, plan })
  assert.equal(status, 429)
  assert.equal(headers['retry-after'], '17')
  assert.deepEqual(
    Object.keys(headers).filter((name) => name.includes('ratelimit')),
    [],
  )
  assert.equal(json(text)['request_id'], scene.seen(id)?.requestId)
  const expected = { status: 'completed', http_status: 429, metering: 'exact', spend_tokens: 0 }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})
