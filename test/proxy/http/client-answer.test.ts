import assert from 'node:assert/strict'
import { type ServerResponse } from 'node:http'
import { after, test } from 'node:test'
import { endpointOf } from '../../../proxy/domain/endpoint.ts'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import { ClientAnswer } from '../../../proxy/http/client-answer.ts'
import { listen } from '../../../proxy/http/server.ts'
import { ask, connectRaw, json, open } from '../../support/ask.ts'
import { eventsOf } from '../../support/dialogs.ts'
import { until } from '../../support/gateway.ts'

const STALL_MS = 300
const reported: GatewayError[] = []
const handlers = new Map<string, (answer: ClientAnswer, res: ServerResponse) => void>()
const server = await listen(
  (req, res) => {
    const answer = new ClientAnswer(res, {
      endpoint: endpointOf('/v1/messages', [], true),
      requestId: 'one',
      headers: { 'x-given': 'first' },
      stallTimeoutMs: STALL_MS,
      reportError: (error) => reported.push(error),
      isDraining: () => false,
    })
    handlers.get(req.url ?? '')?.(answer, res)
  },
  { host: '127.0.0.1', port: 0, requestTimeoutMs: 60_000, reportError: () => undefined },
)
after(() => server.close(0))

function serve(path: string, handler: (answer: ClientAnswer, res: ServerResponse) => void): string {
  handlers.set(path, handler)
  return `http://127.0.0.1:${server.port}${path}`
}

/** What assemble.ts logs of an error. */
const loggedOf = ({ message, particulars, cause }: GatewayError): string =>
  `${message} ${particulars.detail ?? ''} ${String(cause)}`

test('what an upstream says in a refusal behind a heartbeat is for the client, and not for the log', async () => {
  reported.length = 0
  const url = serve('/refused', (answer) => {
    answer.beat(0)
    answer.head(429, { 'content-type': 'application/json' })
    answer.data(Buffer.from('you said: my secret '))
    answer.end(Buffer.from('prompt'))
  })
  const [event] = eventsOf((await ask(url)).text).map(json)
  assert.equal(event?.['message'], 'The upstream refused the call with status 429: you said: my secret prompt')
  assert.equal(reported.length, 1)
  const logged = reported.map(loggedOf).join()
  assert.match(logged, /429/)
  assert.doesNotMatch(logged, /secret|prompt/)
})

test('a plain body behind a heartbeat is not called a refusal, and is not told', async () => {
  reported.length = 0
  const url = serve('/plain', (answer) => {
    answer.beat(0)
    answer.head(200, { 'content-type': 'application/json' })
    answer.end(Buffer.from('{"text":"secret"}'))
  })
  const { text } = await ask(url)
  const [event] = eventsOf(text).map(json)
  assert.equal(event?.['code'], 'upstream_invalid')
  assert.equal(event['message'], 'The upstream answered a stream with a plain body.')
  assert.doesNotMatch(text + reported.map(loggedOf).join(), /secret/)
})

test('the silence of a stream counts from when it was begun, and not from when the request came', async () => {
  const intervalMs = 300
  let hadBegun: boolean | undefined
  const url = serve('/silent', (answer, res) => {
    setTimeout(() => {
      answer.startBeating()
      answer.beat(intervalMs)
      hadBegun = res.headersSent
      answer.head(200, { 'content-type': 'text/event-stream' })
      answer.end()
    }, intervalMs + 10)
  })
  await ask(url)
  assert.equal(hadBegun, false)
})

test('headers that are known later stand on answers and on errors', async () => {
  const more = { 'x-later': 'second' }
  const good = serve('/good', (answer) => {
    answer.addHeaders(() => more)
    answer.head(200, { 'content-type': 'application/json' })
    answer.end(Buffer.from('{}'))
  })
  const bad = serve('/bad', (answer) => {
    answer.addHeaders(() => more)
    answer.fail(new GatewayError('overloaded'))
  })
  for (const url of [good, bad]) {
    const { headers } = await ask(url)
    assert.deepEqual([headers['x-given'], headers['x-later']], ['first', 'second'])
  }
})

const MB = 1024 * 1024
const LARGE = Buffer.alloc(48 * MB, 'x')
/** More than the kernel keeps: when so much has been read, it has taken more. */
const READ_BYTES = 20 * MB

test('a client that reads one large event slowly, but reads, gets all of it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const url = serve('/large', (answer) => {
    answer.head(200, { 'content-type': 'text/event-stream' })
    answer.data(LARGE)
    answer.end()
  })
  const { message, whole } = await open(url)
  let [bytes, looks] = [0, 0]
  message.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes < READ_BYTES * (looks + 1)) return
    looks += 1
    t.mock.timers.tick(STALL_MS)
  })
  assert.equal((await whole()).length, LARGE.length)
  assert.equal(looks, 2, 'it took longer than a client may take nothing')
})

test('a client that reads nothing of one large event is cut off', async () => {
  let isCut = false
  serve('/deaf', (answer, res) => {
    res.on('close', () => (isCut = !res.writableFinished))
    answer.head(200, { 'content-type': 'text/event-stream' })
    answer.data(LARGE)
  })
  const { socket } = await connectRaw(server.port)
  socket.pause()
  socket.write('GET /deaf HTTP/1.1\r\nhost: gateway\r\n\r\n')
  await until('the cut', () => isCut)
  socket.destroy()
})
