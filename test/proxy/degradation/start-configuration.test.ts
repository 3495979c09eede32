import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ChannelInput } from '../../../proxy/domain/channel-input.ts'
import { defaultRateLimits } from '../../../proxy/domain/rate-limits.ts'
import { createCipher } from '../../../proxy/secrets/cipher.ts'
import { openPostgres } from '../../../proxy/store/postgres.ts'
import { createPriceStore } from '../../../proxy/store/prices.ts'
import { createSettingStore } from '../../../proxy/store/settings.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { channelInput, channelsIn, NEW_KEY, OLD_KEY } from '../../support/channels.ts'
import { postgresSettings } from '../../support/database.ts'
import { until } from '../../support/gateway.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startSite, untilReady, untilSnapshotLasts } from '../../support/replicas.ts'

const PRICE = { input: 1e9, cacheRead: 1e9, cacheWrite: 1e9, output: 1e9 }

/** A gateway whose channels are in the database alone, and who changes them. */
async function startConfigured(t: TestContext) {
  const env = { ENCRYPTION_KEY: OLD_KEY.toString('hex'), ANTHROPIC_API_KEY: '', SNAPSHOT_INTERVAL_MS: '3600000' }
  const site = await startSite(t, await freshDatabase(), env)
  const database = await openPostgres(postgresSettings(site.databaseUrl))
  t.after(() => database.close())
  const create = (name: string, more: Partial<ChannelInput>, key = OLD_KEY) => {
    const input = channelInput({ name, baseUrl: site.upstream.url, keys: [`${name}-secret`], ...more })
    return channelsIn(database, createCipher([key])).create(input, Date.now())
  }
  const { url, faults } = await site.throughProxy()
  const start = () => site.startReady({ DATABASE_URL: url })
  const served = () => String(site.upstream.calls.at(-1)?.headers['x-api-key'])
  return { site, database, create, faults, start, served }
}

test('a start without the database goes on with channels, prices, quotas, suspensions and rate limits as they were', async (t) => {
  const { site, database, create, faults, start, served } = await startConfigured(t)
  const suspensions = createSuspensionStore(database)
  await create('unreadable', { priority: 1 }, NEW_KEY)
  const resting = await create('resting', { priority: 2 })
  await suspensions.suspend(resting.id, Date.now() + 3_600_000, 'test', Date.now())
  await create('limited', { priority: 3, quota: { unit: 'requests', limit: 1, models: [], reset: null } })
  await create('usual', { priority: 4 })
  await createPriceStore(database).set('claude', PRICE)
  await createSettingStore(database).set('ratelimit', {
    ...defaultRateLimits,
    api: { enabled: true, requestsPerMinute: 10_000 },
  })
  const { key, id } = await site.createKey({ budget5h: 1e12 })

  const replica = await start()
  const call = async (): Promise<string> => {
    const { status, text, headers } = await replica.call(key)
    assert.equal(status, 200, text)
    assert.equal(headers['x-ratelimit-limit'], '10000')
    return served()
  }
  assert.deepEqual([await call(), await call()], ['limited-secret', 'usual-secret'])
  await site.expectExactLedger()
  await replica.stop()
  faults.refuse()
  await replica.restart()
  await untilReady(replica)
  assert.equal(await call(), 'usual-secret')

  const snapshot = await replica.snapshot()
  assert.equal(statSync(join(replica.home.path, 'keys.snapshot')).mode & 0o777, 0o600)
  assert.match(snapshot, /"secret":"v1\./)
  assert.ok(!snapshot.includes('usual-secret'), 'no secret is there in plain words')

  await suspensions.resume(resting.id)
  faults.heal()
  await until('what the database says is in force', async () => (await call()) === 'resting-secret')
  await site.expectExactLedger()
  const costs = 'SELECT count(*) AS unpriced FROM tollgate.request_logs WHERE key_id = $1 AND cost_nano_usd IS NULL'
  assert.deepEqual(await site.query(costs, id), [{ unpriced: 0 }])
})

test('a change of the configuration is in the snapshot at once, whatever ends the gateway then', async (t) => {
  const { site, database, create, faults, start, served } = await startConfigured(t)
  const { id } = await create('removed', { priority: 1 })
  const { key } = await site.createKey()
  const replica = await start()
  assert.equal((await replica.call(key)).status, 200)
  await create('added', { priority: 2 })
  await channelsIn(database).remove(id)
  await untilSnapshotLasts(replica, (text) => text.includes('"added"') && !text.includes('"removed"'))
  faults.refuse()
  await replica.restart('SIGKILL')
  await untilReady(replica)
  assert.equal((await replica.call(key)).status, 200)
  assert.equal(served(), 'added-secret')
})
