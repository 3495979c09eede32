import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json } from '../support/ask.ts'
import { message, usage } from '../support/dialogs.ts'
import { until } from '../support/gateway.ts'
import { startScene } from '../support/scene.ts'

test('a call is shown to who watches, is in the list, and the end of the process ends the stream', async (t) => {
  // The grace is longer than the test may take: a stream that did not end would fail it.
  const scene = await startScene({ env: { SHUTDOWN_GRACE_MS: '600000' } })
  t.after(() => scene.close())
  const live = await scene.open('/api/logs/stream', { method: 'GET' })
  assert.equal(live.status, 200)
  await until('it is connected', () => live.received().includes('event: connected'))
  const headers = { 'x-request-id': 'shown' }
  assert.equal((await scene.ask('/v1/messages', { body: message, plan: { usage }, headers })).status, 200)
  const [, data = ''] = await until('it is told', () => /event: log:created\ndata: (.+)\n/.exec(live.received()))
  const { data: told } = json(data)
  const { requests } = json((await scene.ask('/api/logs', { method: 'GET' })).text)
  assert.deepEqual(requests, [told])

  assert.equal(await scene.gateway.stop(), 0)
  await live.whole()
})
