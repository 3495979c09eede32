import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { errorCatalogue } from '../../../../proxy/domain/errors.ts'
import { json } from '../../../support/ask.ts'
import { pick } from '../../../support/dialogs.ts'
import { startScene, unreachableZai } from '../../../support/scene.ts'

const scene = await startScene({ env: await unreachableZai() })
after(() => scene.close())

const path = '/v1/embeddings'
const embedding = { model: 'embed-fake', input: 'eins' }

test('an embedding by an upstream that cannot be reached is told so as system A told it', async () => {
  const { id, status, text } = await scene.ask(path, { body: { ...embedding, model: 'glm-embedding' } })
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

test('a web page for an answer is an error, whatever was asked for', async () => {
  const answers = await Promise.all([
    scene.ask(path, { body: embedding, plan: { html: true } }),
    scene.ask('/v1/audio/speech', { body: { model: 'tts-fake', input: 'Hallo' }, plan: { html: true } }),
    scene.ask('/v1/rerank', { body: { query: 'x', documents: ['y'] }, plan: { html: true, status: 503 } }),
  ])
  const [, message] = errorCatalogue.upstream_invalid
  for (const { id, status, headers, text } of answers) {
    assert.deepEqual([status, headers['content-type']], [502, 'application/json'])
    assert.deepEqual(json(text), {
      error: { message, type: 'server_error', param: null, code: 'upstream_invalid' },
      code: 'upstream_invalid',
      message,
      request_id: id,
    })
    const expected = { status: 'failed', error: 'upstream_invalid', http_status: 502, spend_tokens: 0 }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  }
})

test('an upstream that hangs up without a word is an error', async () => {
  const { id, status, text } = await scene.ask('/v1/images/generations', { body: {}, plan: { hangUp: true } })
  assert.equal(status, 502)
  const message = 'The upstream broke off its answer; try again.'
  assert.deepEqual(json(text), {
    error: { message, type: 'server_error', param: null, code: 'upstream_broken' },
    code: 'upstream_broken',
    message,
    request_id: id,
  })
  const expected = { endpoint: 'images/generations', status: 'failed', error: 'upstream_broken', http_status: 502 }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

test('sound that breaks off is not passed off as whole', async () => {
  const plan = { rawBody: Buffer.alloc(1_000_000, 0xff), contentType: 'audio/mpeg', cutAfter: { bytes: 200_000 } }
  const { id, status, whole } = await scene.open('/v1/audio/speech', { body: { input: 'Hallo' }, plan })
  assert.equal(status, 200)
  await assert.rejects(whole())
  const expected = { status: 'failed', error: 'upstream_broken', http_status: 200 }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

test('an error of the upstream is passed on with its status and body', async () => {
  await Promise.all(
    [400, 404, 429, 500, 503].map(async (expected) => {
      const plan = { status: expected }
      const [answer, direct] = await Promise.all([
        scene.ask(path, { body: embedding, plan }),
        scene.direct(path, { body: embedding, plan }),
      ])
      assert.deepEqual([answer.status, answer.text], [expected, direct.text])
      const entry = { status: 'completed', http_status: expected, spend_tokens: 0, error: null }
      assert.deepEqual(pick(await scene.entry(answer.id), entry), entry)
    }),
  )
})
