import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connectRaw, json, parseRaw } from '../../support/ask.ts'
import { message } from '../../support/dialogs.ts'
import { until } from '../../support/gateway.ts'
import { openHandles } from '../../support/handles.ts'
import { type Scene, startScene } from '../../support/scene.ts'

// A test that is slow to send what it sends is not to be told so by a gateway that is not asked about that.
const scenes = await Promise.all([startScene(), startScene({ env: { REQUEST_TIMEOUT_MS: '500' } })])
const [scene, hasty] = scenes
after(() => Promise.all(scenes.map((one) => one.close())))

const body = JSON.stringify(message)
const length = `content-length: ${Buffer.byteLength(body)}\r\n`
const credential = `authorization: Bearer ${scene.adminKey}\r\n`
const begin = 'POST /v1/messages HTTP/1.1\r\nhost: gateway\r\n'

// What is opened at the first call is open from here on.
for (const one of scenes) await one.ask('/v1/messages', { body: message })
const handlesBefore = scenes.map(({ gateway }) => openHandles(gateway))

async function refusalOf(bytes: string | Buffer, { gateway }: Scene): Promise<{ status: number; code: unknown }> {
  const { closed } = await connectRaw(gateway.port, bytes)
  const { status, headers, text } = parseRaw(await closed())
  assert.equal(headers['connection'], 'close')
  assert.equal(headers['content-type'], 'application/json')
  const { code, request_id, error } = json(text)
  assert.ok(typeof error === 'object' && error !== null)
  assert.equal(request_id, headers['x-request-id'])
  assert.match(String(request_id), /^[0-9A-Z]{26}$/)
  return { status, code }
}

const malformed = { status: 400, code: 'request_malformed' }
const timeout = { status: 408, code: 'request_timeout' }
const requests: readonly (readonly [
  what: string,
  bytes: string | Buffer,
  refusal: { status: number; code: string },
])[] = [
  ['two different Content-Lengths', `${begin}${credential}content-length: 5\r\n${length}\r\n${body}`, malformed],
  ['the same Content-Length twice', `${begin}${credential}${length}${length}\r\n${body}`, malformed],
  [
    'a Content-Length and chunks',
    `${begin}${credential}${length}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    malformed,
  ],
  ['a negative Content-Length', `${begin}${credential}content-length: -1\r\n\r\n`, malformed],
  ['a key with a null', `${begin}x-api-key: tg_\0abc\r\n${length}\r\n${body}`, malformed],
  ['a key with a control character', `${begin}x-api-key: tg_\x01abc\r\n${length}\r\n${body}`, malformed],
  ['a key with an escape', `${begin}authorization: Bearer tg_\x1b[31m\r\n${length}\r\n${body}`, malformed],
  ['a key with a line of its own', `${begin}x-api-key: tg_abc\nx-admin: 1\r\n${length}\r\n${body}`, malformed],
  ['a chunk of no length', `${begin}${credential}transfer-encoding: chunked\r\n\r\nxyz\r\n`, malformed],
  ['a header without a name', `${begin}: x\r\n\r\n`, malformed],
  ['no HTTP at all', 'hello\r\n\r\n', malformed],
  ['a handshake of TLS', Buffer.from('16030100f1010000ed0303', 'hex'), malformed],
  ['endless headers', `${begin}x-long: ${'x'.repeat(100_000)}\r\n\r\n`, { status: 431, code: 'headers_too_large' }],
  ['half a head, and then nothing', `${begin}x-api-key: `, timeout],
  ['half a body, and then nothing', `${begin}${credential}${length}\r\n{"model":`, timeout],
]
for (const [what, bytes, refusal] of requests) {
  test(`${what}: ${refusal.status} ${refusal.code}, with a request id`, async () => {
    assert.deepEqual(await refusalOf(bytes, refusal === timeout ? hasty : scene), refusal)
  })
}

test('a head that comes letter by letter is given up', async () => {
  const { socket, closed } = await connectRaw(hasty.gateway.port, begin)
  const timer = setInterval(() => socket.write('x-slow: 1\r\n'), 20)
  const { status, text } = parseRaw(await closed())
  clearInterval(timer)
  assert.deepEqual([status, json(text)['code']], [408, 'request_timeout'])
})

const paths = [
  '/v1//messages',
  '/v1/messages//',
  '/v1/%2e%2e/v1/messages',
  '/v1/%2E%2E%2Fadmin',
  '/v1/../v1/messages',
  '/v1/./messages',
  '/v1/files/..',
  '/v1/messages%2fcount_tokens',
  '/v1/messages%5ccount_tokens',
  '/v1/messages%00',
  '/v1/messages%0a',
  '/v1/messages%252e',
  '/v1/messages\\count_tokens',
  '/v1/messages/%7f/%1f',
]
test('a path that could be read in two ways is refused, and no upstream sees it', async () => {
  for (const path of paths) {
    const { id, status, text } = await scene.ask(path, { body: message })
    assert.equal(status, 400, path)
    const { code, request_id } = json(text)
    assert.deepEqual([code, request_id], ['path_invalid', id])
    assert.equal(scene.seen(id), undefined)
  }
})

test('whatever follows a request on its connection does not get into its answer', async () => {
  const { id, headers } = scene.mark({ stallAfter: 4 })
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const stream = JSON.stringify({ ...message, stream: true })
  const head = `${begin}${credential}${lines.join('')}content-length: ${Buffer.byteLength(stream)}\r\n\r\n`
  const { socket, received, closed } = await connectRaw(scene.gateway.port, head + stream)
  await until('four events', () => received().includes('content_block_delta'))
  socket.write('rubbish\r\n\r\n')
  const text = await closed()
  assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1)
  assert.ok(!text.includes('request_malformed'))
  scene.upstream.release()
  assert.equal((await scene.entry(id)).metering, 'exact')
})

test('clients that leave in the middle of what they send leave nothing behind', async () => {
  const fragments = ['', 'POST', begin, `${begin}${credential}${length}\r\n`, `${begin}${credential}${length}\r\n{"mod`]
  const connections = await Promise.all(
    Array.from({ length: 50 }, (_, index) => connectRaw(scene.gateway.port, fragments[index % fragments.length])),
  )
  for (const { socket } of connections) socket.destroy()
  const { status } = await scene.ask('/v1/messages', { body: message })
  assert.equal(status, 200)
})

test('a client that waits for leave to send its body is told to go on only if its key is good', async () => {
  const expecting = `${begin}${length}expect: 100-continue\r\nconnection: close\r\n`
  const refused = await connectRaw(scene.gateway.port, `${expecting}x-api-key: tg_no_such_key\r\n\r\n`)
  await until('the refusal', () => refused.received().includes('key_invalid'))
  assert.ok(refused.received().startsWith('HTTP/1.1 401'))
  refused.socket.destroy()
  const accepted = await connectRaw(scene.gateway.port, `${expecting}${credential}\r\n`)
  await until('leave', () => accepted.received().startsWith('HTTP/1.1 100'))
  accepted.socket.write(body)
  assert.ok((await accepted.closed()).includes('HTTP/1.1 200'))
})

test('after all this every call is in the ledger once, nothing is left open, and the gateway is well', async () => {
  for (const [at, one] of scenes.entries()) {
    const { gateway, home, upstream } = one
    const seen = upstream.calls.length
    await until('an entry per call', () => {
      const [row] = home.query<{ n: number }>('SELECT count(*) AS n FROM request_logs')
      return row?.n === seen
    })
    await until('as many handles as before', () => openHandles(gateway) <= (handlesBefore[at] ?? 0) + 3)
    const { text } = await one.ask('/metrics')
    assert.match(text, /^tollgate_calls_in_flight 0$/m)
    assert.match(text, /^tollgate_request_bytes_held 0$/m)
    assert.equal(json((await one.ask('/health')).text)['status'], 'ok')
    assert.equal(gateway.stderr(), '')
  }
})
