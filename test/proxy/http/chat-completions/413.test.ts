import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene({ env: { MAX_REQUEST_BODY_MB: '1' } })
after(() => scene.close())

const MB = 1024 * 1024
const path = '/v1/chat/completions'
const written = Buffer.from(JSON.stringify(chat))
const bodyOf = (bytes: number) => Buffer.alloc(bytes, ' ').fill(written, 0, written.length)

test('a body of exactly the limit is taken', async () => {
  const { id, status } = await scene.ask(path, { body: bodyOf(MB) })
  assert.equal(status, 200)
  assert.equal(scene.seen(id)?.rawBody.length, MB)
})

const ways: readonly (readonly [what: string, bytes: number, more: Record<string, string | string[]>])[] = [
  ['one byte over the limit', MB + 1, {}],
  ['far over the limit', 5_000_000, {}],
  ['over the limit that does not tell its length', 5_000_000, { 'transfer-encoding': 'chunked', 'content-length': [] }],
]
for (const [what, bytes, more] of ways) {
  test(`a chat ${what} is refused in OpenAI's shape, and no upstream hears of it`, async () => {
    const { id, status, text, ...answer } = await scene.ask(path, {
      body: bodyOf(bytes),
      headers: more,
    })
    assert.equal(status, 413)
    assert.equal(answer.headers.connection, 'close')
    const message = 'The body is larger than the 1 MB that this gateway accepts.'
    assert.deepEqual(json(text), {
      error: { message, type: 'invalid_request_error', param: null, code: 'body_too_large' },
      code: 'body_too_large',
      message,
      request_id: id,
    })
    assert.equal(scene.seen(id), undefined)
  })
}
