import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Env } from '../../support/gateway.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { type Replica, startSite, unknownKey, untilReady } from '../../support/replicas.ts'

/** Tries for as long as it is let. */
const PATIENT: Env = { DATABASE_STARTUP_RETRIES: '1000000', DB_RETRY_DELAY_MS: '10', DB_RETRY_MAX_DELAY_MS: '50' }

async function expectUnready(replica: Replica, key: string): Promise<void> {
  assert.equal((await replica.get('/health/live')).status, 200)
  assert.equal((await replica.get('/health/ready')).status, 503)
  const { status, body } = await replica.get('/health')
  assert.deepEqual([status, body['status']], [503, 'unhealthy'])
  const refused = await replica.call(key)
  assert.deepEqual([refused.status, refused.code], [503, 'storage_unavailable'])
  assert.ok(Number(refused.headers['retry-after']) >= 1)
}

test('a start without database and snapshot listens, unready, and becomes ready when the database is there', async (t) => {
  const site = await startSite(t, await freshDatabase(), PATIENT)
  const { key } = await site.createKey()
  const { url, faults } = await site.throughProxy()
  faults.refuse()
  const replica = await site.start({ DATABASE_URL: url })
  await expectUnready(replica, key)
  await expectUnready(replica, unknownKey())
  faults.heal()
  await untilReady(replica)
  assert.equal((await replica.call(key)).status, 200)
  assert.equal((await replica.call(unknownKey())).status, 401)
  await site.expectExactLedger()
  assert.equal(await replica.stop(), 0)
})

test('a start without database and snapshot can be ended, and ends by itself with one sentence', async (t) => {
  const site = await startSite(t, await freshDatabase(), { ...PATIENT, POOL_CONNECT_TIMEOUT_MS: '200' })
  const { url, faults } = await site.throughProxy()
  const password = new URL(url).password
  for (const fault of ['refuse', 'drop'] as const) {
    faults[fault]()
    const replica = await site.start({ DATABASE_URL: url })
    assert.equal((await replica.get('/health/ready')).status, 503)
    assert.equal(await replica.stop(), 0, fault)

    const ended = await replica.home.cli(['serve'], { PORT: '0', DATABASE_STARTUP_RETRIES: '2' })
    assert.equal(ended.status, 1)
    assert.match(ended.stderr, /^DATABASE_URL: [^\n]+\.\n$/)
    assert.ok(!`${ended.stderr}${ended.stdout}`.includes(password), 'no output holds the password')
  }
})

test('a snapshot is used only if it is whole, of this database, young enough and wanted', async (t) => {
  const site = await startSite(t, await freshDatabase(), PATIENT)
  const { url, faults } = await site.throughProxy()
  const replica = await site.startReady({ DATABASE_URL: url })
  const { key } = await site.createKey()
  assert.equal((await replica.call(key)).status, 200)
  await site.expectExactLedger()
  await replica.stop()
  faults.refuse()

  const elsewhere = new URL('/elsewhere', url).href
  const useless: readonly Env[] = [
    { DATABASE_URL: elsewhere },
    { DB_SCHEMA: 'elsewhere' },
    { KEY_MAX_STALE_MS: '1' },
    { STORAGE_FALLBACK_ENABLED: 'false' },
  ]
  for (const env of useless) {
    await replica.restart('SIGTERM', env)
    await expectUnready(replica, key)
  }
  await replica.restart()
  await untilReady(replica)
  assert.equal((await replica.call(key)).status, 200)

  await replica.stop('SIGKILL')
  writeFileSync(join(replica.home.path, 'keys.snapshot'), '!', { flag: 'r+' })
  await replica.restart()
  await expectUnready(replica, key)

  faults.heal()
  await untilReady(replica)
  await site.expectExactLedger()
})

test('no snapshot is written where none is wanted', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const replica = await site.startReady({ STORAGE_FALLBACK_ENABLED: 'false', SNAPSHOT_INTERVAL_MS: '10' })
  const { key } = await site.createKey()
  assert.equal((await replica.call(key)).status, 200)
  await replica.stop()
  assert.ok(!existsSync(join(replica.home.path, 'keys.snapshot')))
})
