import assert from 'node:assert/strict'
import { startAdminApi } from '../../support/admin-api.ts'
import { channelInput, channelsIn } from '../../support/channels.ts'
import { testEngines } from '../../support/database.ts'

testEngines('an administrator is told what the process works with', async (t, store) => {
  const channels = channelsIn(store.database)
  await channels.create(channelInput({ name: 'one' }), 0)
  await channels.create(channelInput({ name: 'two', status: 'suspended' }), 0)
  const api = await startAdminApi(t, store)
  await api.send('PUT', '/api/config/load-balance', {
    body: { messages: 'random', responses: 'failover', chat: 'failover', search: 'failover' },
  })
  const { status, json } = await api.send('GET', '/api/health/details')
  assert.equal(status, 200)
  assert.deepEqual(json, {
    status: 'ok',
    timestamp: '2030-01-02T00:00:00.000Z',
    uptime: 1.5,
    version: { version: '1' },
    config: {
      channelCount: { messages: 3, responses: 0, chat: 0, search: 0 }, // one is the environment's
      activeChannelCount: { messages: 2, responses: 0, chat: 0, search: 0 },
      loadBalance: { messages: 'random', responses: 'failover', chat: 'failover', search: 'failover' },
    },
  })
})
