import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { connectRaw, json } from '../../support/ask.ts'
import { eventsOf, message, pick, usage, usageColumns } from '../../support/dialogs.ts'
import { until } from '../../support/gateway.ts'
import { startScene } from '../../support/scene.ts'

// The grace is longer than any test may take: whatever waits for its end fails.
const env = { SHUTDOWN_GRACE_MS: '600000', SHUTDOWN_DELAY_MS: '20' }

test('a process that is told to end finishes its streams and waits for nothing else', async () => {
  const scene = await startScene({ env })
  const agent = new Agent({ keepAlive: true })
  const untouched = await connectRaw(scene.gateway.port)
  await scene.ask('/v1/messages', { body: message, agent })
  const plan = { usage, stallAfter: 4 }
  const stream = await scene.open('/v1/messages', {
    body: { ...message, stream: true },
    plan,
    agent: new Agent({ keepAlive: true }),
  })
  await until('four events', () => eventsOf(stream.received()).length === 4)

  const stopped = scene.gateway.stop()
  await untouched.closed()
  scene.upstream.release()
  assert.ok((await stream.whole()).toString().includes('message_stop'))
  assert.equal(await stopped, 0)
  assert.deepEqual(pick(await scene.entry(stream.id), usageColumns), usageColumns)
  agent.destroy()
  await scene.close()
})

test('what is not finished within the grace is cut, told so and recorded with an estimate', async () => {
  const scene = await startScene({ env: { SHUTDOWN_GRACE_MS: '100' } })
  const plan = { usage, stallAfter: 4 }
  const [stream, waiting] = [
    await scene.open('/v1/messages', { body: { ...message, stream: true }, plan }),
    scene.ask('/v1/messages', { body: message, plan: { neverAnswer: true } }),
  ]
  await scene.upstream.waitFor((calls) => calls.length === 2 && calls[0]?.served.events === 4)
  assert.equal(await scene.gateway.stop(), 0)
  const last = json(eventsOf((await stream.whole()).toString()).at(-1) ?? '')
  assert.deepEqual([last['type'], last['code']], ['error', 'shutting_down'])
  const { status, text } = await waiting
  assert.deepEqual([status, json(text)['code']], [503, 'shutting_down'])
  const expected = { status: 'failed', error: 'shutting_down', metering: 'estimated', input_tokens: 10 }
  assert.deepEqual(pick(await scene.entry(stream.id), expected), expected)
  await scene.close()
})

test('while a process goes on accepting it is unready, and every answer closes its connection', async () => {
  const scene = await startScene({ env: { SHUTDOWN_DELAY_MS: '600000' } })
  const agent = new Agent({ keepAlive: true })
  const connectionOf = async (path: string): Promise<unknown> =>
    (await scene.ask(path, { agent, key: null })).headers.connection
  assert.equal(await connectionOf('/health/ready'), 'keep-alive')
  const begun = scene.ask('/v1/messages', { body: message, plan: { neverAnswer: true }, agent })
  await scene.upstream.waitFor((calls) => calls.length === 1)

  scene.gateway.process.kill('SIGTERM')
  await until('it stops', () => scene.gateway.log.some(({ msg }) => msg === 'stopping'))
  assert.equal((await scene.ask('/health/ready')).status, 503)
  for (const path of ['/', '/nothing', '/v1/models']) assert.equal(await connectionOf(path), 'close', path)
  scene.upstream.release()
  const { status, headers } = await begun
  assert.deepEqual([status, headers.connection], [200, 'close'], 'a call that had begun before, too')
  await scene.gateway.stop('SIGKILL') // nobody waits for the end of the delay
  agent.destroy()
  await scene.close()
})
