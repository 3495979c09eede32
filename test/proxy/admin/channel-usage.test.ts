import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { channelUsageOperations } from '../../../proxy/admin/channel-usage-operations.ts'
import { createChannelQuotas } from '../../../proxy/channel-quotas.ts'
import type { ChannelInput } from '../../../proxy/domain/channel-input.ts'
import { createQuotaPots, quotaSubject } from '../../../proxy/limit/channel-quota.ts'
import { createQuotaStore } from '../../../proxy/store/channel-quota.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { aChannel } from '../../support/a-channel.ts'
import { NOW, startAdminApi } from '../../support/admin-api.ts'
import { channelInput, channelsIn } from '../../support/channels.ts'
import { write } from '../../support/counters.ts'
import { type TestDatabase, testEngines } from '../../support/database.ts'
import { entryAt } from '../../support/log-entries.ts'

const NOON = NOW - 43_200_000
const daily = { mode: 'fixed', at: NOON, every: 1, unit: 'days' } as const

async function start(t: TestContext, store: TestDatabase) {
  const { database } = store
  const channels = channelsIn(database)
  const suspensions = createSuspensionStore(database)
  const unexpected = (): never => assert.fail('nothing is logged or priced')
  const quotas = createChannelQuotas({
    store: createQuotaStore(database),
    pots: createQuotaPots({ now: () => NOW, leases: undefined }),
    replicas: () => 1,
    priceOf: unexpected,
    now: () => NOW,
    log: { error: unexpected } as never, // safe: of the log, this is all that quotas use
  })
  const parts = { channels, suspensions, quotas, environment: [aChannel('env-own')], compositeProblems: () => [] }
  const api = await startAdminApi(t, store, { operations: channelUsageOperations(parts) })
  return {
    api,
    suspensions,
    create: async (quota: ChannelInput['quota']) => (await channels.create(channelInput({ quota }), NOW)).id,
    /** Calls of the period that began then. */
    spend: async (channelId: string, since: number, costsNanoUsd: readonly number[]) => {
      const quota = quotaSubject({ channelId, since })
      await write(
        store,
        costsNanoUsd.map((costNanoUsd) => entryAt(NOW, { quota, costNanoUsd })),
      )
    },
    ok: async (method: string, path: string): Promise<Record<string, unknown>> => {
      const { status, json, text } = await api.send(method, path, method === 'POST' ? { body: {} } : {})
      assert.equal(status, 200, text)
      return json
    },
  }
}

testEngines('what is used of a quota of requests is told, and begins anew when it is reset', async (t, store) => {
  const { api, ok, create, spend, suspensions } = await start(t, store)
  const id = await create({ unit: 'requests', limit: 8, models: [], reset: daily })
  await spend(id, NOON, [0, 0, 0])
  const before = {
    quotaType: 'requests',
    limit: 8,
    used: 3,
    remaining: 5,
    remainingPercent: 62.5,
    lastResetAt: '2030-01-01T12:00:00.000Z',
    nextResetAt: '2030-01-02T12:00:00.000Z',
  }
  assert.deepEqual(await ok('GET', `/api/channels/${id}/usage`), before)
  await suspensions.suspend(id, NOW + 60_000, 'QUOTA_EXHAUSTED', NOW)

  const { success, usage } = await ok('POST', `/api/channels/${id}/usage/reset`)
  const { used, remaining } = usage as typeof before // safe: held against the document
  assert.deepEqual([success, used, remaining], [true, 0, 8])
  assert.deepEqual(await ok('GET', `/api/channels/${id}/usage`), usage)
  assert.deepEqual(await suspensions.list(NOW), [])
  const line = (await api.audited()).find(({ operation }) => operation === 'resetChannelUsage')
  assert.deepEqual([line?.target, JSON.parse(line?.before ?? ''), JSON.parse(line?.after ?? '')], [id, before, usage])
})

testEngines('a quota begins anew also when it is reset in the moment in which its period began', async (t, store) => {
  const { ok, create, spend } = await start(t, store)
  const id = await create({ unit: 'requests', limit: 8, models: [], reset: { ...daily, at: NOW } })
  await spend(id, NOW, [0, 0, 0])
  assert.equal((await ok('GET', `/api/channels/${id}/usage`))['used'], 3)
  await ok('POST', `/api/channels/${id}/usage/reset`)
  assert.equal((await ok('GET', `/api/channels/${id}/usage`))['used'], 0)
})

testEngines('what is used of all quotas is told at once, and which channels have none', async (t, store) => {
  const { ok, create, spend } = await start(t, store)
  const id = await create({ unit: 'requests', limit: 8, models: [], reset: daily })
  await spend(id, NOON, [0, 0, 0])
  const { channels } = await ok('GET', '/api/channels/usage?pool=messages')
  assert.deepEqual(channels, [
    { id, name: 'anthropic', pool: 'messages', usage: await ok('GET', `/api/channels/${id}/usage`) },
    { id: 'env-own', name: 'env-own', pool: 'messages', usage: null },
  ])
})

testEngines('a quota in money is told in dollars', async (t, store) => {
  const { ok, create, spend } = await start(t, store)
  const id = await create({ unit: 'credit', limit: 2_000_000_000, models: [], reset: null })
  await spend(id, 0, [1_000_000_000, 500_000_000])
  assert.deepEqual(await ok('GET', `/api/channels/${id}/usage`), {
    quotaType: 'credit',
    limit: 2,
    used: 1.5,
    remaining: 0.5,
    remainingPercent: 25,
  })
})

testEngines('who has no quota has no usage, and nothing to reset', async (t, store) => {
  const { api, create } = await start(t, store)
  const id = await create(null)
  const refused: readonly (readonly [method: string, path: string, status: number])[] = [
    ['GET', `${id}/usage`, 404],
    ['POST', `${id}/usage/reset`, 404],
    ['GET', 'env-own/usage', 404],
    ['POST', 'env-own/usage/reset', 409],
    ['GET', '00000000/usage', 404],
    ['POST', '00000000/usage/reset', 404],
  ]
  for (const [method, path, status] of refused) {
    const answer = await api.send(method, `/api/channels/${path}`, method === 'POST' ? { body: {} } : {})
    assert.equal(answer.status, status, path)
  }
})
