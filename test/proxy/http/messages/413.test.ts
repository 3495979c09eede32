import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene({ env: { MAX_REQUEST_BODY_MB: '1', MAX_BUFFERED_MB: '2' } })
after(() => scene.close())

const MB = 1024 * 1024
const SHORT = Buffer.byteLength(JSON.stringify(message))
const sentence = 'The body is larger than the 1 MB that this gateway accepts.'
const bodyOf = (bytes: number) => Buffer.alloc(bytes, ' ').fill(JSON.stringify(message), 0, SHORT)

test('a body of exactly the limit is taken', async () => {
  const { id, status } = await scene.ask('/v1/messages', { body: bodyOf(MB) })
  assert.equal(status, 200)
  assert.equal(scene.seen(id)?.rawBody.length, MB)
})

test('a body over the limit is refused in good order, whatever the client', async () => {
  const body = bodyOf(20 * MB)
  const { id, status, text, headers } = await scene.ask('/v1/messages', { body })
  assert.equal(status, 413)
  assert.equal(headers.connection, 'close')
  assert.deepEqual(json(text), {
    type: 'error',
    error: { type: 'request_too_large', message: sentence },
    code: 'body_too_large',
    message: sentence,
    request_id: id,
  })
  assert.equal(scene.seen(id), undefined)

  const headersOfFetch = { authorization: `Bearer ${scene.adminKey}` }
  const answers = await Promise.all(
    Array.from({ length: 5 }, () =>
      fetch(`${scene.url}/v1/messages`, { method: 'POST', headers: headersOfFetch, body }),
    ),
  )
  assert.deepEqual(
    answers.map((answer) => answer.status),
    [413, 413, 413, 413, 413],
  )
})

test('a body that does not tell its length is refused as soon as it is over the limit', async () => {
  const headers = { 'transfer-encoding': 'chunked', 'content-length': [] }
  const { status, text } = await scene.ask('/v1/messages', { body: bodyOf(20 * MB), headers })
  assert.equal(status, 413)
  assert.equal(json(text)['message'], sentence)
})

test('an unknown key is refused in good order while a large body is still being sent', async () => {
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => scene.ask('/v1/messages', { key: 'tg_no_such_key', body: bodyOf(20 * MB) })),
  )
  for (const { status } of answers) assert.equal(status, 401)
})

test('after a refusal the room of the body is free again', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  for (let round = 0; round < 5; round++) {
    const bodies = [bodyOf(2 * MB), bodyOf(MB)]
    const answers = await Promise.all(bodies.map((body) => scene.ask('/v1/messages', { body, agent })))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [413, 200],
    )
  }
  agent.destroy()
  const { text } = await scene.ask('/metrics')
  assert.match(text, /^tollgate_request_bytes_held 0$/m)
})
