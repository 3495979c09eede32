import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createAskHealth } from '../../../operator/observe/ask-health.ts'

let body: unknown
const server = createServer((request, response) => {
  response.statusCode = request.url === '/health' ? 200 : 404
  response.end(JSON.stringify(body))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
after(() => server.close())
const { port } = server.address() as AddressInfo // safe: it listens on a port
const askHealth = createAskHealth(port)

const well = { canServe: true, isDatabaseConnected: true, version: '1.0.0', schema: '8' }

const cases: readonly (readonly [what: string, body: unknown, health: object | undefined])[] = [
  ['is well', { status: 'ok', version: '1.0.0', schema: 8, database: { connected: true } }, well],
  [
    'has lost its database',
    { status: 'degraded', version: '1.0.0', schema: 8, database: { connected: false } },
    { ...well, isDatabaseConnected: false },
  ],
  [
    'refuses calls, and is of a version that does not say which',
    { status: 'unhealthy', database: { connected: false } },
    { canServe: false, isDatabaseConnected: false, version: undefined, schema: undefined },
  ],
  ['is something else', 'OK', undefined],
  ['says nothing', null, undefined],
]

for (const [what, answer, health] of cases) {
  test(`of a pod that ${what} that is known`, async () => {
    body = answer
    assert.deepEqual(await askHealth('127.0.0.1'), health)
  })
}

test('a pod that cannot be asked is no failure', async () => {
  assert.equal(await askHealth('::1'), undefined)
})
