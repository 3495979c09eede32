import assert from 'node:assert/strict'
import { type RequestListener } from 'node:http'
import { after, test } from 'node:test'
import { createBodies } from '../../../proxy/http/body.ts'
import { listen } from '../../../proxy/http/server.ts'
import { connectRaw } from '../../support/ask.ts'

const servers: Awaited<ReturnType<typeof listen>>[] = []
after(() => Promise.all(servers.map((server) => server.close(0))))

async function serverOf(listener: RequestListener): Promise<number> {
  const settings = { host: '127.0.0.1', port: 0, requestTimeoutMs: 60_000, reportError: () => undefined }
  const server = await listen(listener, settings)
  servers.push(server)
  return server.port
}

const head = 'POST / HTTP/1.1\r\nhost: gateway\r\ncontent-length: 10\r\n\r\n'

for (const [what, bytes] of [
  ['half a body', 'half a'],
  ['a whole body', '0123456789'],
] as const) {
  test(`a client that sent ${what} and hung up before anybody read is gone, and nothing waits for it`, async () => {
    const bodies = createBodies({ maxBytes: 100, maxHeldBytes: 100 })
    const outcome = Promise.withResolvers<Buffer>()
    const port = await serverOf((req, res) => {
      req.on('close', () => void bodies.read(req, res).then(outcome.resolve, outcome.reject))
      socket.destroy()
    })
    const { socket } = await connectRaw(port)
    socket.write(head + bytes)
    await assert.rejects(outcome.promise, { code: 'client_gone' })
    assert.equal(bodies.heldBytes(), 0)
  })
}

test('a client that hangs up while its whole body is being read is gone as well', async () => {
  const bodies = createBodies({ maxBytes: 100, maxHeldBytes: 100 })
  const outcome = Promise.withResolvers<Buffer>()
  const port = await serverOf((req, res) => {
    bodies.read(req, res).then(outcome.resolve, outcome.reject)
    // All of it has arrived with the head, and nobody has been given it yet.
    req.pause()
    setImmediate(() => {
      assert.ok(req.complete)
      socket.destroy()
    })
  })
  const { socket } = await connectRaw(port)
  socket.write(`${head}0123456789`)
  await assert.rejects(outcome.promise, { code: 'client_gone' })
  assert.equal(bodies.heldBytes(), 0)
})

test('an empty body is read, too', async () => {
  const bodies = createBodies({ maxBytes: 100, maxHeldBytes: 100 })
  const outcome = Promise.withResolvers<Buffer>()
  const port = await serverOf((req, res) => {
    bodies.read(req, res).then(outcome.resolve, outcome.reject)
    void outcome.promise.then(() => res.end())
  })
  const { socket } = await connectRaw(port, 'GET / HTTP/1.1\r\nhost: gateway\r\n\r\n')
  assert.equal((await outcome.promise).length, 0)
  socket.destroy()
})
