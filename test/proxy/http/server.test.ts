import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import express from 'express'
import { listen } from '../../../proxy/http/server.ts'
import { ask } from '../../support/ask.ts'

test('while the process drains every answer closes its connection: of pages, and of calls that began before', async (t) => {
  let isDraining = false
  const begun = Promise.withResolvers<void>()
  const drained = Promise.withResolvers<void>()
  const app = express()
  app.get('/page', (_req, res) => void res.json({}))
  app.get('/call', (_req, res) => {
    begun.resolve()
    void drained.promise.then(() => res.writeHead(200, { 'content-type': 'text/plain' }).end('done'))
  })
  const server = await listen(app, {
    host: '127.0.0.1',
    port: 0,
    requestTimeoutMs: 60_000,
    reportError: () => undefined,
    isDraining: () => isDraining,
  })
  const agent = new Agent({ keepAlive: true })
  t.after(() => {
    agent.destroy()
    return server.close(0)
  })
  const url = `http://127.0.0.1:${server.port}`

  assert.equal((await ask(`${url}/page`, { agent })).headers.connection, 'keep-alive')
  const call = ask(`${url}/call`, { agent })
  await begun.promise
  isDraining = true
  drained.resolve()
  assert.equal((await call).headers.connection, 'close')
  for (const path of ['/page', '/nothing']) {
    assert.equal((await ask(url + path, { agent })).headers.connection, 'close')
  }
})
