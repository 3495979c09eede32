import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startSite, unknownKey } from '../../support/replicas.ts'

test('a database that takes two seconds for an answer slows no call of a known key', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const { url, faults } = await site.throughProxy()
  const replica = await site.startReady({ DATABASE_URL: url })
  const { key } = await site.createKey()
  await until('the key is known', async () => (await replica.call(key)).status === 200)
  await site.expectExactLedger()

  // To make a connection takes several answers, so they are made before: as many as there are calls at once.
  faults.delay(20)
  await Promise.all(Array.from({ length: 6 }, () => replica.call(unknownKey())))
  faults.delay(1050) // each way
  const done: string[] = []
  const unknown = replica.call(unknownKey()).then(({ status }) => done.push(`unknown ${status}`))
  for (let i = 0; i < 20; i++) done.push(`known ${(await replica.call(key)).status}`)
  assert.deepEqual(
    done,
    Array.from({ length: 20 }, () => 'known 200'),
  )
  assert.equal((await replica.get('/health/ready')).status, 200)
  const { status, body } = await replica.get('/health')
  assert.equal(status, 200)
  assert.equal(body['status'], 'degraded')
  const { responseTimeMs, ...database } = body['database'] as { responseTimeMs: number } // safe: the contract of /health
  assert.deepEqual(database, { type: 'postgres', connected: true, status: 'unhealthy' })
  assert.ok(responseTimeMs > 2000)
  assert.deepEqual(body['storage'], { type: 'database', inFallbackMode: false })
  await unknown
  assert.equal(done.at(-1), 'unknown 401')

  faults.heal()
  await site.expectExactLedger()
  await until('health is ok', async () => (await replica.get('/health')).body['status'] === 'ok')
})

test('connections whose server has fallen silent are replaced by new ones', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const replica = await site.startReady({ DB_STATEMENT_TIMEOUT_MS: '300', CONFIG_POLL_INTERVAL_MS: '100' })
  const { key } = await site.createKey()
  await until('the key is known', async () => (await replica.call(key)).status === 200)
  await site.expectExactLedger()

  const backends = await site.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tollgate%'`,
  )
  for (const { pid } of backends) process.kill(pid, 'SIGSTOP')
  try {
    for (let i = 0; i < 5; i++) assert.equal((await replica.call(key)).status, 200)
    await site.expectExactLedger()
    await until('unknown keys are refused again', async () => (await replica.call(unknownKey())).status === 401)
  } finally {
    for (const { pid } of backends) process.kill(pid, 'SIGCONT')
  }
  await until('health is ok', async () => (await replica.get('/health')).body['status'] === 'ok')
  await site.expectExactLedger()
})
