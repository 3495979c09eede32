import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCatalogue } from '../../proxy/domain/errors.ts'
import { json } from './ask.ts'
import { pick } from './dialogs.ts'
import type { Scene } from './scene.ts'

/** What an endpoint of OpenAI's dialect answers when its upstream fails it. */
export function answers502(scene: Scene, path: string, asked: object, noun: string): void {
  const streamed = { ...asked, stream: true }

  for (const stream of [false, true]) {
    const what = stream ? 'a stream' : noun
    const body = { ...asked, stream }

    test(`${what} to an upstream that cannot be reached is told so as system A told it, and costs nothing`, async () => {
      const { id, status, text } = await scene.ask(path, { body: { ...body, model: 'glm-4.7' } })
      assert.equal(status, 502)
      const message = 'Upstream request failed: connection refused'
      assert.deepEqual(json(text), {
        error: { message, type: 'upstream_error' },
        code: 'upstream_unreachable',
        message,
        request_id: id,
      })
      const expected = { channel: 'zai', status: 'failed', error: 'upstream_unreachable', spend_tokens: 0 }
      assert.deepEqual(pick(await scene.entry(id), expected), expected)
    })

    test(`${what} that is answered by a web page is an error, and costs nothing`, async () => {
      const { id, status, headers, text } = await scene.ask(path, { body, plan: { html: true } })
      assert.deepEqual([status, headers['content-type']], [502, 'application/json'])
      const [, message] = errorCatalogue.upstream_invalid
      assert.deepEqual(json(text), {
        error: { message, type: 'server_error', param: null, code: 'upstream_invalid' },
        code: 'upstream_invalid',
        message,
        request_id: id,
      })
      const expected = { status: 'failed', error: 'upstream_invalid', http_status: 502, spend_tokens: 0 }
      assert.deepEqual(pick(await scene.entry(id), expected), expected)
    })

    test(`${what} whose upstream hangs up without a word is an error, and its entry is marked`, async () => {
      const { id, status, text } = await scene.ask(path, { body, plan: { hangUp: true } })
      assert.equal(status, 502)
      const message = 'The upstream broke off its answer; try again.'
      assert.deepEqual(json(text), {
        error: { message, type: 'server_error', param: null, code: 'upstream_broken' },
        code: 'upstream_broken',
        message,
        request_id: id,
      })
      const expected = { status: 'failed', error: 'upstream_broken', http_status: 502, metering: 'estimated' }
      assert.deepEqual(pick(await scene.entry(id), expected), expected)
    })
  }

  test('a body that breaks off is not passed off as whole', async () => {
    const plan = { cutAfter: { bytes: 200_000 }, hugeBodyBytes: 1_000_000 }
    const { id, status, whole } = await scene.open(path, { body: asked, plan })
    assert.equal(status, 200)
    await assert.rejects(whole())
    const expected = { status: 'failed', error: 'upstream_broken', metering: 'estimated', http_status: 200 }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })

  test('an error of the upstream is passed on with its status, body and Retry-After', async () => {
    const statuses = [400, 401, 404, 429, 500, 503]
    await Promise.all(
      statuses.map(async (expected) => {
        const plan = { status: expected, headers: { 'retry-after': '3', 'x-should-retry': 'false' } }
        const [answer, direct] = await Promise.all([
          scene.ask(path, { body: streamed, plan }),
          scene.direct(path, { body: streamed, plan }),
        ])
        assert.deepEqual([answer.status, answer.text], [expected, direct.text])
        assert.deepEqual(pick(answer.headers, plan.headers), plan.headers)
        const entry = { status: 'completed', http_status: expected, metering: 'exact', spend_tokens: 0, error: null }
        assert.deepEqual(pick(await scene.entry(answer.id), entry), entry)
      }),
    )
  })
}
