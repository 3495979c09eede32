import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ChannelInput } from '../../../proxy/domain/channel-input.ts'
import type { Channel, ChannelQuota } from '../../../proxy/domain/channel.ts'
import { createQuotaStore } from '../../../proxy/store/channel-quota.ts'
import { openPostgres } from '../../../proxy/store/postgres.ts'
import { channelInput, channelsIn, OLD_KEY } from '../../support/channels.ts'
import { postgresSettings } from '../../support/database.ts'
import { type Fleet, startFleet } from '../../support/fleet.ts'
import { until } from '../../support/gateway.ts'
import { seededRandom } from '../../support/load.ts'

/** Two gateways whose only channel has this quota, and a key without limits. */
async function startShared(t: TestContext, quota: ChannelQuota, more: Partial<ChannelInput> = {}) {
  const env = { ENCRYPTION_KEY: OLD_KEY.toString('hex'), ANTHROPIC_API_KEY: '', FAILOVER_DEADLINE_MS: '' }
  const fleet = await startFleet(t, 2, env)
  const database = await openPostgres(postgresSettings(fleet.url))
  t.after(() => database.close())
  const { key } = await fleet.createKey({})
  const input = channelInput({ baseUrl: fleet.upstream.url, keys: ['upstream-secret'], quota, ...more })
  const channel = await channelsIn(database).create(input, Date.now())
  return { fleet, key, channel, quotas: createQuotaStore(database) }
}

/** Waits until a gateway knows the channel, without a call that counts. */
async function untilKnown(fleet: Fleet, key: string): Promise<void> {
  for (const gateway of fleet.gateways) {
    await until(
      'the channel is known',
      async () => (await fleet.call(gateway, key, 1, { model: 'other' })).status === 200,
    )
  }
}

async function subjectsOf(fleet: Fleet): Promise<readonly (string | null)[]> {
  const rows = await fleet.query<{ quota: string | null }>(
    'SELECT DISTINCT quota FROM tollgate.request_logs ORDER BY 1',
  )
  return rows.map(({ quota }) => quota)
}

async function usedOf(fleet: Fleet, unit: string): Promise<number> {
  const [row] = await fleet.query<{ used: number }>(
    'SELECT coalesce(sum(amount), 0)::bigint AS used FROM tollgate.limit_buckets WHERE unit = $1',
    unit,
  )
  return row?.used ?? 0
}

const subject = ({ id }: Channel, since = 0): string => `channel:${id}:${since}`

test('replicas keep to a quota of requests together', async (t) => {
  const limit = 300
  const quota: ChannelQuota = { unit: 'requests', limit, models: ['claude'], reset: null }
  const { fleet, key, channel } = await startShared(t, quota)
  await untilKnown(fleet, key)
  let served = 0
  await fleet.exhaust(key, {
    clients: 8,
    next: () => ({ tokens: 5 }),
    onAnswer: ({ status }) => (served += Number(status === 200)),
  })
  t.diagnostic(`${served} of ${limit}`)
  assert.ok(Math.abs(served - limit) <= limit * 0.02, `${served} of ${limit} were served`)
  await until('all are counted', async () => (await usedOf(fleet, 'quota_requests')) === served)
  assert.deepEqual(await subjectsOf(fleet), [subject(channel), null])
  const refused = await Promise.all(fleet.gateways.map((gateway) => fleet.call(gateway, key, 5)))
  for (const { status, text, headers } of refused) {
    assert.equal(status, 429, text)
    assert.match(text, /channel_quota_exhausted/)
    assert.equal(headers['retry-after'], undefined, 'it is not reset by itself')
  }
  await until('leases were given back', async () => {
    const [row] = await fleet.query<{ leased: number }>(
      "SELECT coalesce(sum(amount), 0)::bigint AS leased FROM tollgate.limit_leases WHERE unit = 'quota_requests'",
    )
    return row?.leased === 0
  })
})

test('replicas keep to a quota of money together, at the prices of the channel', async (t) => {
  const [nanoPerToken, multiplier, tokens] = [1000, 2, 20_000]
  const limit = tokens * nanoPerToken * multiplier
  const quota: ChannelQuota = { unit: 'credit', limit, models: ['claude'], reset: null }
  const twice = { input: multiplier, output: multiplier, cacheRead: multiplier, cacheWrite: multiplier }
  const { fleet, key } = await startShared(t, quota, { priceMultipliers: { _default: twice } })
  const price = 1_000_000 * nanoPerToken
  await fleet.prices.set('claude-fake', { input: price, cacheRead: price, cacheWrite: price, output: price })
  await untilKnown(fleet, key)
  const before = fleet.served(key)
  const random = seededRandom(Number(process.env['SEED'] ?? 1))
  await fleet.exhaust(key, { clients: 8, next: () => ({ tokens: Math.ceil(random() * 100), atMost: 100 }) })
  const share = (fleet.served(key) - before) / tokens
  t.diagnostic(`${(100 * share).toFixed(2)} % of the quota`)
  assert.ok(Math.abs(share - 1) <= 0.02, `they were granted ${share} of the quota`)
  await until('all is counted', async () => {
    return (await usedOf(fleet, 'quota_credit')) === (fleet.served(key) - before) * nanoPerToken * multiplier
  })
})

test('a model without a price is not sent to a channel whose quota is money', async (t) => {
  const { fleet, key } = await startShared(t, { unit: 'credit', limit: 1, models: ['claude'], reset: null })
  await untilKnown(fleet, key)
  const [gateway] = fleet.gateways
  assert.ok(gateway)
  const answer = await fleet.call(gateway, key, 1, { model: 'claude-without-a-price' })
  assert.equal(answer.status, 403, answer.text)
  assert.match(answer.text, /model_unpriced/)
})

test('replicas that are called at the same moment begin one period, and reset it together', async (t) => {
  const reset = { mode: 'rolling', at: 0, every: 5, unit: 'hours' } as const
  const quota: ChannelQuota = { unit: 'requests', limit: 10, models: ['claude'], reset }
  const { fleet, key, channel, quotas } = await startShared(t, quota)
  await untilKnown(fleet, key)
  const served = async (): Promise<number> => {
    const calls = Array.from({ length: 30 }, (_, at) => fleet.call(fleet.gateways[at % 2] ?? assert.fail(), key, 1))
    return (await Promise.all(calls)).filter(({ status }) => status === 200).length
  }
  let count = await served()
  // What one replica held and did not need the other may use a moment later.
  await until('it is spent', async () => {
    const more = await served()
    count += more
    return more === 0 && count >= 10
  })
  assert.equal(count, 10)
  const [first, ...others] = await quotas.list()
  assert.ok(first && others.length === 0)
  await until('all are counted', async () => (await usedOf(fleet, 'quota_requests')) === 10)
  assert.deepEqual(await subjectsOf(fleet), [subject(channel, first.since), null])

  await quotas.reset({ channelId: channel.id, since: Date.now(), endsAt: Date.now() })
  await Promise.all(
    fleet.gateways.map((gateway) => until('it serves', async () => (await fleet.call(gateway, key, 1)).status === 200)),
  )
  const [second] = await quotas.list()
  assert.ok(second && second.since > first.since)
  await until('both count to the second period', async () => (await subjectsOf(fleet)).length === 3)
  assert.deepEqual(await subjectsOf(fleet), [subject(channel, first.since), subject(channel, second.since), null])
})
