import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const sentence = 'The body is not a JSON object; send one with content-type application/json.'
const bodies: readonly (readonly [what: string, body: string | Buffer])[] = [
  ['nothing', ''],
  ['half an object', '{"model":"claude-fake"'],
  ['an object and something more', '{"model":"claude-fake"} {}'],
  ['a list', '[]'],
  ['a string', '"hello"'],
  ['null', 'null'],
  ['a number', '1'],
  ['a form', 'model=claude-fake&max_tokens=1'],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x7b])],
  ['a hundred thousand brackets', '['.repeat(100_000)],
  ['a hundred thousand braces', '{"a":'.repeat(100_000)],
]
for (const [what, body] of bodies) {
  test(`${what} instead of a JSON object is refused in Anthropic's shape, and no upstream hears of it`, async () => {
    const { id, status, headers, text } = await scene.ask('/v1/messages', { method: 'POST', body })
    assert.equal(status, 400)
    assert.deepEqual(json(text), {
      type: 'error',
      error: { type: 'invalid_request_error', message: sentence },
      code: 'json_invalid',
      message: sentence,
      request_id: id,
    })
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers['x-request-id'], id)
    assert.equal(scene.seen(id), undefined)
  })
}

test('JSON is JSON, whatever its content type says', async () => {
  const headers = { 'content-type': 'text/plain' }
  const { id, status } = await scene.ask('/v1/messages', { body: JSON.stringify(message), headers })
  assert.equal(status, 200)
  assert.equal((await scene.entry(id)).metering, 'exact')
})

test('what the upstream finds wrong with a body, its own words say', async () => {
  const plan = { status: 400, error: { message: 'max_tokens: Field required' } }
  const { id, status, text } = await scene.ask('/v1/messages', { body: { model: 'claude-fake' }, plan })
  assert.equal(status, 400)
  assert.deepEqual(json(text), {
    type: 'error',
    error: { type: 'invalid_request_error', message: 'max_tokens: Field required' },
    request_id: scene.seen(id)?.requestId,
  })
})

test('a method that messages do not know is refused with those it knows', async () => {
  const { status, headers, text, id } = await scene.ask('/v1/messages', { method: 'DELETE' })
  assert.equal(status, 405)
  assert.equal(headers.allow, 'POST')
  const { type, code, request_id } = json(text)
  assert.deepEqual([type, code, request_id], ['error', 'method_not_allowed', id])
})
