import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { freePort } from '../../support/free-port.ts'
import { createHome, startGateway } from '../../support/gateway.ts'

test('health asks the gateway of its environment, or another one, whether it lives', async (t) => {
  const home = await createHome()
  t.after(() => home.remove())
  const gateway = await startGateway(home, { PORT: String(await freePort()) })
  t.after(() => gateway.stop())
  const env = { HOST: '0.0.0.0', PORT: `${gateway.port}` }
  const asked = `${gateway.url}/health/live`

  assert.deepEqual(await home.cli(['health'], env), { status: 0, stdout: `${asked}: alive\n`, stderr: '' })
  const { status, stdout } = await home.command(['health', '--json', '--url', `${gateway.url}/`], { PORT: 'x' })
  assert.deepEqual([status, JSON.parse(stdout)], [0, { url: asked, isLive: true }])

  assert.equal(await gateway.stop(), 0)
  const dead = await home.cli(['health', '--json'], env)
  const problem = 'no answer (ECONNREFUSED).'
  assert.deepEqual([dead.status, JSON.parse(dead.stdout)], [1, { url: asked, isLive: false, problem }])
  assert.equal(dead.stderr, `${asked}: ${problem}\n`)
})

test('health takes no other answer for a good one, and tells nothing of a password', async (t) => {
  const server = createServer((_, response) => void response.writeHead(302, { location: '/' }).end())
  t.after(() => server.close())
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // safe: it listens
  const home = await createHome()
  t.after(() => home.remove())
  const ended = await home.command(['health', '--url', `http://user:a-password@127.0.0.1:${port}/gateway`])
  const told = `http://127.0.0.1:${port}/gateway/health/live: it answers with status 302.\n`
  assert.deepEqual(ended, { status: 1, stdout: '', stderr: told })

  assert.match((await home.command(['health', '--url', 'localhost:3000'])).stderr, /must be an http or https URL/)
  assert.match((await home.command(['health'], { PORT: '0' })).stderr, /PORT is 0/)
})
