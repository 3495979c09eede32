import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { json } from './ask.ts'
import { pick } from './dialogs.ts'
import type { Scene } from './scene.ts'

/** What an endpoint of OpenAI's dialect answers to a key at its limits, and what it passes on of the upstream's own. */
export function answers429(scene: Scene, path: string, asked: object): void {
  /** They wait for the command line, so they wait together. */
  describe('a key', { concurrency: true }, () => {
    test("that has spent its five-hour limit is told so in system A's words", async () => {
      const { key } = await scene.home.createKey(['--token-limit', '75'])
      assert.equal((await scene.ask(path, { key, body: asked })).status, 200)
      const { id, status, headers, text } = await scene.ask(path, { key, body: asked })
      assert.equal(status, 429)
      const message = 'Token limit exceeded for 5-hour window'
      const body = json(text)
      const endsAt = Date.parse(String(json(JSON.stringify(body['error']))['window_ends_at']))
      assert.deepEqual(body, {
        error: {
          message,
          type: 'rate_limit_exceeded',
          tokens_used: 75,
          tokens_limit: 75,
          window_ends_at: new Date(endsAt).toISOString(),
        },
        code: 'window_exhausted',
        message,
        request_id: id,
      })
      assert.ok(Number(headers['retry-after']) > 17_000)
      assert.equal(scene.seen(id), undefined)
      assert.deepEqual(scene.entries(id), [])
    })

    test("that has made its requests of a minute is told so in OpenAI's shape", async () => {
      const { key } = await scene.home.createKey(['--rpm', '1'])
      assert.equal((await scene.ask(path, { key, body: asked })).status, 200)
      const { id, status, headers, text } = await scene.ask(path, { key, body: asked })
      assert.equal(status, 429)
      const message = 'Request rate limit exceeded, please try again later'
      assert.deepEqual(json(text), {
        error: { message, type: 'rate_limit_exceeded', param: null, code: 'rate_limited' },
        code: 'rate_limited',
        message,
        request_id: id,
      })
      const retryAfter = Number(headers['retry-after'])
      assert.ok(retryAfter > 30 && retryAfter <= 61, `Retry-After: ${retryAfter}`)
    })

    test('whose calls in flight hold the rest of its limit is told to try again soon', async () => {
      const { key } = await scene.home.createKey(['--token-limit', '75'])
      const { id: held, headers } = scene.mark({ neverAnswer: true })
      const first = scene.ask(path, { key, body: asked, headers })
      await scene.upstream.waitFor(() => scene.seen(held)?.ended === 'pending')
      const { id, status, text, ...answer } = await scene.ask(path, { key, body: asked })
      scene.upstream.release()
      assert.equal((await first).status, 200)
      assert.deepEqual([status, answer.headers['retry-after']], [429, '1'])
      const message = 'Calls in flight hold the rest of the limit or budget; try again when they are done.'
      assert.deepEqual(json(text), {
        error: { message, type: 'rate_limit_exceeded', param: null, code: 'window_reserved' },
        code: 'window_reserved',
        message,
        request_id: id,
      })
    })
  })

  test("the upstream's own 429 is passed on with its Retry-After and without the account's figures", async () => {
    const limits = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-limit-requests': '60' }
    const plan = { status: 429, headers: { 'retry-after': '17', ...limits } }
    const { id, status, headers, text } = await scene.ask(path, { body: asked, plan })
    assert.deepEqual([status, headers['retry-after']], [429, '17'])
    const error = {
      message: 'The fake upstream says requests',
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    }
    assert.deepEqual(json(text), { error })
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.includes('ratelimit')),
      [],
    )
    const expected = { status: 'completed', http_status: 429, metering: 'exact', spend_tokens: 0 }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })
}
