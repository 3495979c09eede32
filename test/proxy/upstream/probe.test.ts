import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { after, before, test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type ErrorCode, GatewayError } from '../../../proxy/domain/errors.ts'
import { probe } from '../../../proxy/upstream/probe.ts'
import { type Certificate, createCertificate } from '../../support/certificate.ts'
import { freePort } from '../../support/free-port.ts'

const SECRET = 'sk-the-key-of-the-account'
const TRUSTED = { isInsecure: false, authorities: null }
// Where there is no network, to find that a name is nobody's may take long.
const BOUNDS = { timeoutMs: 60_000, maxBytes: 1000 }

let certificate: Certificate
before(async () => {
  certificate = await createCertificate()
})
after(() => certificate.remove())

function at(origin: string, more: Partial<Parameters<typeof probe>[0]> = {}) {
  return { channel: 'one', origin, path: '/v1/models', headers: { 'x-api-key': SECRET }, tls: TRUSTED, ...more }
}

/** A server of the test, which goes with it. */
async function started(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return `127.0.0.1:${address.port}`
}

const serving = async (t: TestContext, listener: RequestListener): Promise<string> =>
  `http://${await started(t, createServer(listener))}`

async function refusal(asked: Promise<unknown>): Promise<readonly [ErrorCode, string]> {
  const error = await asked.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof GatewayError)
  const { message, particulars } = error
  assert.ok(!`${message} ${particulars.detail}`.includes(SECRET))
  return [error.code, message]
}

test('an upstream is asked once, with the headers of the channel', async (t) => {
  const seen: unknown[] = []
  const origin = await serving(t, (request, response) => {
    seen.push([request.method, request.url, request.headers['x-api-key'], request.headers['accept-encoding']])
    response.writeHead(401).end('{"no":"entry"}')
  })
  assert.deepEqual(await probe(at(origin), 'GET', BOUNDS), { status: 401, body: '{"no":"entry"}' })
  assert.deepEqual(await probe(at(origin, { path: '/' }), 'HEAD', BOUNDS), { status: 401, body: '' })
  assert.deepEqual(seen, [
    ['GET', '/v1/models', SECRET, 'identity'],
    ['HEAD', '/', SECRET, 'identity'],
  ])
})

test('its connection is closed behind it', { timeout: 30_000 }, async (t) => {
  const closed = Promise.withResolvers<void>()
  const server = createServer(({ socket }, response) => {
    socket.once('close', closed.resolve)
    response.writeHead(200, { 'keep-alive': 'timeout=600' }).end('ok')
  })
  server.keepAliveTimeout = 0 // which closes nothing
  await probe(at(`http://${await started(t, server)}`), 'GET', BOUNDS)
  await closed.promise
})

test('a redirect is an answer, and is not followed', async (t) => {
  let count = 0
  const origin = await serving(t, (_, response) => {
    count += 1
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  assert.equal((await probe(at(origin), 'GET', BOUNDS)).status, 302)
  assert.equal(count, 1)
})

test('a packed answer is unpacked, and is held to its bound as it is then', async (t) => {
  const packed = [
    gzipSync('small'),
    gzipSync('x'.repeat(100_000)),
    Buffer.from('no gzip'),
    gzipSync('x').subarray(0, 12),
  ]
  const origin = await serving(t, (_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed.shift())
  })
  assert.equal((await probe(at(origin), 'GET', BOUNDS)).body, 'small')
  assert.deepEqual(await refusal(probe(at(origin), 'GET', BOUNDS)), [
    'upstream_invalid',
    'The upstream answered with more than 1000 bytes.',
  ])
  for (const _ of ['is none', 'breaks off'])
    assert.equal((await refusal(probe(at(origin), 'GET', BOUNDS)))[0], 'upstream_broken')
})

test('an answer is as long as it may be, and not longer', async (t) => {
  const origin = await serving(t, ({ url }, response) => void response.end('x'.repeat(Number(url?.slice(1)))))
  assert.equal((await probe(at(origin, { path: '/1000' }), 'GET', BOUNDS)).body.length, 1000)
  assert.equal((await refusal(probe(at(origin, { path: '/1001' }), 'GET', BOUNDS)))[0], 'upstream_invalid')
})

test('an upstream that does not answer, or does not end, is given up', async (t) => {
  const origin = await serving(t, ({ url }, response) => {
    if (url === '/begins') response.write('x')
  })
  for (const path of ['/silent', '/begins']) {
    const [code] = await refusal(probe(at(origin, { path }), 'GET', { ...BOUNDS, timeoutMs: 50 }))
    assert.equal(code, 'upstream_timeout', path)
  }
})

test('an upstream to which no connection comes about is given up as well', async (t) => {
  const mute = await started(t, createServer().removeAllListeners('connection'))
  const [code] = await refusal(probe(at(`https://${mute}`), 'GET', { ...BOUNDS, timeoutMs: 50 }))
  assert.equal(code, 'upstream_timeout')
})

test('why no answer came is said in a sentence', async (t) => {
  const broken = await serving(t, ({ socket }) => void socket.destroy())
  const half = await serving(t, (_, response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half', () => response.destroy())
  })
  const noHttp = await started(
    t,
    createServer().on('connection', (socket) => void socket.end('220 mail\r\n')),
  )
  const expected: readonly (readonly [origin: string, code: ErrorCode, message: RegExp])[] = [
    [`http://127.0.0.1:${await freePort()}`, 'upstream_unreachable', /connection refused/],
    ['http://nobody.invalid', 'upstream_unreachable', /host/],
    ['http://169.254.169.254', 'upstream_unreachable', /metadata service/],
    ['http://[fe80::1]:80', 'upstream_unreachable', /link-local/],
    [broken, 'upstream_broken', /broke off/],
    [half, 'upstream_broken', /broke off/],
    [`http://${noHttp}`, 'upstream_broken', /broke off/],
  ]
  for (const [origin, code, message] of expected) {
    const [found, sentence] = await refusal(probe(at(origin), 'GET', BOUNDS))
    assert.equal(found, code, origin)
    assert.match(sentence, message, origin)
  }
})

test('a certificate is believed as the channel says', async (t) => {
  const secure = { cert: readFileSync(certificate.certificateFile), key: readFileSync(certificate.keyFile) }
  const origin = `https://${await started(
    t,
    createTlsServer(secure, (_, response) => void response.end('ok')),
  )}`
  const [code, message] = await refusal(probe(at(origin), 'GET', BOUNDS))
  assert.deepEqual([code, /secure connection/.test(message)], ['upstream_unreachable', true])
  for (const tls of [
    { isInsecure: false, authorities: certificate.ca },
    { isInsecure: true, authorities: null },
  ])
    assert.equal((await probe(at(origin, { tls }), 'GET', BOUNDS)).body, 'ok')
})
