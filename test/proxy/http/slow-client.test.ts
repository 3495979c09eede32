import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connectRaw } from '../../support/ask.ts'
import { message, pick, usage, usageColumns } from '../../support/dialogs.ts'
import { until } from '../../support/gateway.ts'
import { isHeld, residentBytes } from '../../support/handles.ts'
import { startScene } from '../../support/scene.ts'

const MB = 1024 * 1024
const [patient, strict] = await Promise.all([
  startScene({ env: { CLIENT_STALL_TIMEOUT_MS: '60000' } }),
  startScene({ env: { CLIENT_STALL_TIMEOUT_MS: '300', CLIENT_GONE_DRAIN_MS: '60000' } }),
])
after(() => Promise.all([patient.close(), strict.close()]))

/** More than all the buffers that the kernel may have between upstream and client. */
const ANSWER_BYTES = 64 * MB

function longStream(): Buffer {
  const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`
  const start = { type: 'message_start', message: { usage: { input_tokens: 10, cache_read_input_tokens: 4 } } }
  const delta = event({ type: 'content_block_delta', delta: { text: 'x'.repeat(MB / 4) } })
  const last = { type: 'message_delta', usage: { cache_creation_input_tokens: 3, output_tokens: 20 } }
  const events = [
    event(start),
    ...Array.from({ length: 256 }, () => delta),
    event(last),
    event({ type: 'message_stop' }),
  ]
  return Buffer.from(events.join(''))
}

for (const stream of [false, true]) {
  const what = stream ? 'a stream' : 'a body'
  const body = { ...message, stream }
  const plan = stream
    ? { rawBody: longStream(), contentType: 'text/event-stream' }
    : { usage, hugeBodyBytes: ANSWER_BYTES }
  const { reasoning_tokens: _, ...columns } = usageColumns

  test(`a client that does not read holds ${what} up at the upstream, not in memory, and may read on`, async () => {
    await patient.ask('/v1/messages', { body, plan })
    const before = residentBytes(patient.gateway)
    const answers = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const answer = await patient.open('/v1/messages', { body, plan })
        answer.message.pause()
        return answer
      }),
    )
    const served = () => answers.map(({ id }) => patient.seen(id)?.served.bytes ?? 0)
    let last = ''
    await until('the upstream is held up', async () => {
      const now = served().join()
      await patient.ask('/health')
      const isStill = now === last && !served().includes(0)
      last = now
      return isStill
    })
    for (const bytes of served()) assert.ok(bytes < ANSWER_BYTES, `${bytes} bytes were taken`)
    const grown = residentBytes(patient.gateway) - before
    assert.ok(grown < ANSWER_BYTES, `${grown} bytes more for three answers of ${ANSWER_BYTES}`)

    for (const answer of answers) answer.message.resume()
    for (const answer of answers) assert.ok((await answer.whole()).length > ANSWER_BYTES)
    for (const { id } of answers) assert.deepEqual(pick(await patient.entry(id), columns), columns)
  })

  test(`a client that never reads ${what} is cut off, and its entry is true`, async () => {
    const { id, message: answer } = await strict.open('/v1/messages', { body, plan })
    answer.pause()
    const expected = { status: 'client_gone', http_status: 499, metering: 'exact', ...columns }
    assert.deepEqual(pick(await strict.entry(id), expected), expected)
    answer.destroy()
  })
}

test('a client that stops reading at the end of an answer is cut off as well', async () => {
  const { headers, id } = strict.mark({ hugeBodyBytes: 30_000 })
  const body = JSON.stringify(message)
  const lines = Object.entries({
    ...headers,
    host: 'gateway',
    authorization: `Bearer ${strict.adminKey}`,
    'content-length': Buffer.byteLength(body),
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  const { socket } = await connectRaw(strict.gateway.port)
  socket.pause()
  const isCut = () => !isHeld(strict.gateway.port, socket.localPort ?? 0)
  const answered = () => strict.upstream.calls.filter((call) => call.headers['x-client-request-id'] === id).length
  assert.equal(isCut(), false)
  // Each answer is small enough for one write; somewhere on the way the connection holds no more of them.
  for (let asked = 1; !isCut(); asked++) {
    socket.write(`POST /v1/messages HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
    await until('the next call or the cut', () => answered() >= asked || isCut())
  }
  socket.destroy()
})
