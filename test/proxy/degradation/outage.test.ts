import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { freshDatabase, startPostgres } from '../../support/postgres.ts'
import { type Replica, SPEND, startSite, unknownKey, untilReady } from '../../support/replicas.ts'

/** More than a call can be taken to need, so that what is left for one is enough, with a lease or without. */
const LARGE = { input: 500, output: 50 }
const LARGE_SPEND = 550
const NEW_ADMIN_KEY = 'tg_another_admin_key_for_tests'

async function untilAway(replica: Replica): Promise<Record<string, unknown>> {
  return until('health tells of the outage', async () => {
    const { body } = await replica.get('/health')
    const { inFallbackMode, fallback } = body['storage'] as {
      inFallbackMode: boolean
      fallback?: { retryCount: number }
    } // safe: the contract of /health
    return inFallbackMode && (fallback?.retryCount ?? 0) > 0 && body
  })
}

async function untilWell(replica: Replica): Promise<void> {
  await until('health is ok', async () => (await replica.get('/health')).body['status'] === 'ok')
}

test('while PostgreSQL is stopped known keys go on within their limits, and afterwards each call has its one entry', async (t) => {
  const server = await startPostgres()
  t.after(() => server.close())
  const site = await startSite(t, await server.createDatabase())
  const replica = await site.startReady()
  site.upstream.behave({ usage: LARGE })
  const [free, limited] = [await site.createKey(), await site.createKey({ tokenLimit: 2 * LARGE_SPEND })]
  for (const { key } of [free, limited]) assert.equal((await replica.call(key)).status, 200)
  await untilWell(replica)

  await server.stop('immediate')
  assert.equal((await replica.call(free.key)).status, 200)
  const health = await untilAway(replica)
  assert.equal((await replica.get('/health')).status, 200)
  assert.equal(health['status'], 'degraded')
  const { fallback } = health['storage'] as { fallback: { lastRetryAt: string } } // safe: as above
  assert.ok(Date.parse(fallback.lastRetryAt) > Date.now() - 60_000)
  assert.equal((health['database'] as { connected: boolean }).connected, false) // safe: as above
  assert.equal((await replica.get('/health/ready')).status, 200)
  assert.equal((await replica.get('/health/live')).status, 200)

  for (let i = 0; i < 5; i++) assert.equal((await replica.call(free.key)).status, 200)
  assert.equal((await replica.call(limited.key)).status, 200)
  const exhausted = await replica.call(limited.key)
  assert.deepEqual([exhausted.status, exhausted.code], [429, 'window_exhausted'])
  const unknown = await replica.call(unknownKey())
  assert.deepEqual([unknown.status, unknown.code], [503, 'storage_unavailable'])
  assert.ok(Number(unknown.headers['retry-after']) >= 1)
  const { ledger } = (await replica.get('/health')).body as { ledger: { spooled: number } } // safe: as above
  assert.ok(ledger.spooled >= 7, 'usage waits in the spool')

  await server.start()
  await untilWell(replica)
  await site.expectExactLedger()
  assert.equal((await replica.call(unknownKey())).status, 401)
  assert.equal((await replica.call(limited.key)).code, 'window_exhausted')
  assert.equal((await replica.get('/stats', free.key)).body['total_lifetime_tokens'], 7 * LARGE_SPEND)
})

test('a gateway that is started anew during an outage goes on from its snapshot', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const { url, faults } = await site.throughProxy()
  const replica = await site.startReady({ DATABASE_URL: url, SNAPSHOT_INTERVAL_MS: '20' })
  const [free, exhausted, revoked] = [
    await site.createKey(),
    await site.createKey({ tokenLimit: SPEND }),
    await site.createKey(),
  ]
  for (const { key } of [free, exhausted, revoked]) assert.equal((await replica.call(key)).status, 200)
  await site.keys.setStatus(revoked.id, 'revoked')
  await until('the revocation is seen', async () => (await replica.call(revoked.key)).code === 'key_revoked')
  await site.expectExactLedger()
  await replica.restart() // writes the snapshot as it ends
  await untilReady(replica)

  faults.refuse()
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await replica.restart(signal, { ADMIN_API_KEY: NEW_ADMIN_KEY })
    await untilReady(replica)
    assert.equal((await replica.call(free.key)).status, 200)
    assert.equal((await replica.call(exhausted.key)).code, 'window_exhausted')
    assert.equal((await replica.call(revoked.key)).code, 'key_revoked')
    assert.equal((await replica.call(unknownKey())).code, 'storage_unavailable')
    assert.equal((await replica.get('/health')).body['status'], 'degraded')
  }

  faults.heal()
  await untilWell(replica)
  await site.expectExactLedger()
  assert.equal((await replica.call(unknownKey())).status, 401)
  await until('the admin key is the new one', async () => (await replica.call(NEW_ADMIN_KEY)).status === 200)
  assert.equal((await replica.call(revoked.key)).code, 'key_revoked')
})
