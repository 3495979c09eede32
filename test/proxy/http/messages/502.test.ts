import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message, pick } from '../../../support/dialogs.ts'
import { startScene, unreachableZai } from '../../../support/scene.ts'

const scene = await startScene({ env: await unreachableZai() })
after(() => scene.close())

for (const stream of [false, true]) {
  const what = stream ? 'a stream' : 'a message'
  const body = { ...message, stream }

  test(`${what} to an upstream that cannot be reached is told so as system A told it, and costs nothing`, async () => {
    const { id, status, text } = await scene.ask('/v1/messages', { body: { ...body, model: 'glm-4.7' } })
    assert.equal(status, 502)
    const sentence = 'Upstream request failed: connection refused'
    assert.deepEqual(json(text), {
      type: 'error',
      error: { message: sentence, type: 'upstream_error' },
      code: 'upstream_unreachable',
      message: sentence,
      request_id: id,
    })
    const expected = {
      channel: 'zai',
      status: 'failed',
      error: 'upstream_unreachable',
      http_status: 502,
      spend_tokens: 0,
    }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })

  const redirect = { status: 307, headers: { location: 'https://elsewhere.example/v1/messages' } }
  for (const plan of [{ html: true }, { html: true, status: 503 }, { html: true, gzip: true }, redirect]) {
    test(`${what} that is answered by something else than the API (${JSON.stringify(plan)}) is an error, and costs nothing`, async () => {
      const { id, status, headers, text } = await scene.ask('/v1/messages', { body, plan })
      assert.equal(status, 502)
      assert.equal(headers['content-type'], 'application/json')
      assert.equal(headers['location'], undefined, 'an SDK would follow it with its key')
      const sentence =
        'The upstream answered with a web page or a redirect instead of its API; check the base URL of the channel.'
      assert.deepEqual(json(text), {
        type: 'error',
        error: { type: 'api_error', message: sentence },
        code: 'upstream_invalid',
        message: sentence,
        request_id: id,
      })
      const expected = { status: 'failed', error: 'upstream_invalid', spend_tokens: 0 }
      assert.deepEqual(pick(await scene.entry(id), expected), expected)
    })
  }

  test(`${what} whose upstream hangs up without a word is an error, and its entry is marked`, async () => {
    const { id, status, text } = await scene.ask('/v1/messages', { body, plan: { hangUp: true } })
    assert.equal(status, 502)
    assert.equal(json(text)['code'], 'upstream_broken')
    const expected = { status: 'failed', error: 'upstream_broken', metering: 'estimated', http_status: 502 }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })
}

test('a body that breaks off is not passed off as whole', async () => {
  const plan = { cutAfter: { bytes: 200_000 }, hugeBodyBytes: 1_000_000 }
  const { id, status, whole } = await scene.open('/v1/messages', { body: message, plan })
  assert.equal(status, 200)
  await assert.rejects(whole())
  const expected = { status: 'failed', error: 'upstream_broken', metering: 'estimated', http_status: 200 }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

test('an endless event is cut, compressed or not, and the gateway goes on', async () => {
  const rawBody = Buffer.concat([Buffer.from('data: "'), Buffer.alloc(40 * 1024 * 1024, 'x')])
  const body = { ...message, stream: true }
  for (const gzip of [false, true]) {
    const plan = { rawBody, contentType: 'text/event-stream', gzip }
    const { id, status, text } = await scene.ask('/v1/messages', { body, plan })
    assert.equal(status, 502)
    assert.equal(json(text)['code'], 'upstream_broken')
    assert.equal((await scene.entry(id)).error, 'upstream_broken')
  }
  assert.equal((await scene.ask('/v1/messages', { body: message })).status, 200)
})

test('a status of the upstream is passed on with its body, whatever it is', async () => {
  const statuses = [400, 401, 403, 404, 413, 422, 500, 502, 503, 504, 529]
  await Promise.all(
    statuses.map(async (expectedStatus) => {
      const plan = { status: expectedStatus }
      const [answer, direct] = await Promise.all([
        scene.ask('/v1/messages', { body: message, plan }),
        scene.direct('/v1/messages', { body: message, plan }),
      ])
      assert.equal(answer.status, expectedStatus)
      const withoutId = (text: string) => text.replace(/req_fake\d+/, 'req_fake#')
      assert.equal(withoutId(answer.text), withoutId(direct.text))
      const expected = { status: 'completed', http_status: expectedStatus, metering: 'exact', spend_tokens: 0 }
      assert.deepEqual(pick(await scene.entry(answer.id), expected), expected)
    }),
  )
})

test('an error of the upstream that is not JSON is passed on as it is', async () => {
  const plan = {
    status: 500,
    rawBody: 'upstream connect error or disconnect/reset before headers',
    contentType: 'text/plain',
  }
  const { status, text, headers } = await scene.ask('/v1/messages', { body: message, plan })
  assert.deepEqual([status, text, headers['content-type']], [500, plan.rawBody, 'text/plain'])
})

test('an upstream that does not speak TLS, although its URL says so, has not got the call', async () => {
  const wrong = await startScene({
    env: {
      ANTHROPIC_BASE_URL: 'https://127.0.0.1:9',
      ZAI_API_KEY: 'z',
      ZAI_ANTHROPIC_BASE: scene.upstream.url.replace('http:', 'https:'),
    },
  })
  try {
    const { id, status, text } = await wrong.ask('/v1/messages', { body: { ...message, model: 'glm-4.7' } })
    assert.equal(status, 502)
    assert.equal(json(text)['message'], 'Upstream request failed: no secure connection could be made')
    const expected = { error: 'upstream_unreachable', metering: 'exact', spend_tokens: 0 }
    assert.deepEqual(pick(await wrong.entry(id), expected), expected)
  } finally {
    await wrong.close()
  }
})
