import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schedulerOperations } from '../../../proxy/admin/scheduler-operations.ts'
import { aChannel } from '../../support/a-channel.ts'
import { NOW, startAdminApi } from '../../support/admin-api.ts'
import { openDatabase } from '../../support/database.ts'
import { aRouter, LATER, status } from '../../support/journeys.ts'

test('how calls of a pool are spread is told, and who has the next one', async (t) => {
  const router = aRouter(
    [
      aChannel('first', { position: 1 }),
      aChannel('second', { position: 2 }),
      aChannel('paused', { position: 3, status: 'suspended' }),
      aChannel('other', { pool: 'chat', serviceType: 'openai_chat' }),
    ],
    { strategies: { messages: 'round-robin' } },
  )
  const api = await startAdminApi(t, await openDatabase(t), {
    operations: schedulerOperations({ scheduling: (pool, now) => router.scheduling(pool, now) }),
  })
  const stats = async (pool: string) => (await api.send('GET', `/api/channels/scheduler/stats?pool=${pool}`)).json
  const current = async (pool: string) => (await api.send('GET', `/api/channels/current?pool=${pool}`)).json['channel']
  const rules = { traceAffinityTTL: 1800, failureThreshold: 0.5, windowSize: 10, circuitRecoveryTime: 900 }

  const call = router.call({ conversation: 'alice', deadlineAt: Infinity })
  assert.equal(call.next(NOW).kind, 'send')
  call.succeeded(NOW)
  assert.deepEqual(await stats('messages'), {
    multiChannelMode: true,
    activeChannelCount: 2,
    traceAffinityCount: 1,
    ...rules,
  })
  assert.deepEqual(await stats('chat'), {
    multiChannelMode: false,
    activeChannelCount: 1,
    traceAffinityCount: 0,
    ...rules,
  })
  assert.deepEqual(await current('messages'), { id: 'second', name: 'second', status: 'active' })
  assert.deepEqual(
    await current('messages'),
    { id: 'second', name: 'second', status: 'active' },
    'to ask takes no turn',
  )
  for (let nth = 0; nth < 5; nth++) {
    const failing = router.call({ allowedChannels: ['second'], deadlineAt: LATER })
    assert.equal(failing.next(NOW).kind, 'send')
    failing.failed(status(401), NOW)
  }
  assert.deepEqual(await current('messages'), { id: 'first', name: 'first', status: 'active' })
  assert.equal(await current('responses'), null)
  assert.equal((await api.send('GET', '/api/channels/current?pool=none')).status, 400)
})
