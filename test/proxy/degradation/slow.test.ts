import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startSite, unknownKey } from '../../support/replicas.ts'

test('a database that takes seconds for an answer slows no call of a known key', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const { url, faults } = await site.throughProxy()
  const replica = await site.startReady({ DATABASE_URL: url })
  const { key } = await site.createKey()
  await until('the key is known', async () => (await replica.call(key)).status === 200)
  await site.expectExactLedger()

  // To make a connection takes several answers, so they are made before: as many as there are calls at once.
  faults.delay(20)
  await Promise.all(Array.from({ length: 6 }, () => replica.call(unknownKey())))
  faults.delay(4500) // each way, and so longer than a busy machine takes for these calls
  const done: string[] = []
  const unknown = replica.call(unknownKey()).then(({ status }) => done.push(`unknown ${status}`))
  for (let i = 0; i < 20; i++) done.push(`known ${(await replica.call(key)).status}`)
  assert.deepEqual(
    done,
    Array.from({ length: 20 }, () => 'known 200'),
  )
  assert.equal((await replica.get('/health/ready')).status, 200)
  faults.delay(1050)
  // Of one that takes three seconds it would say that there was no answer.
  const health = await until('health has asked it', async () => {
    const { status, body } = await replica.get('/health')
    assert.deepEqual([status, body['status']], [200, 'degraded'])
    const { responseTimeMs, ...database } = body['database'] as { responseTimeMs: number; connected: boolean } // safe: the contract of /health
    return responseTimeMs > 2000 && database.connected && { storage: body['storage'], database }
  })
  assert.deepEqual(health, {
    storage: { type: 'database', inFallbackMode: false },
    database: { type: 'postgres', connected: true, status: 'unhealthy' },
  })
  await unknown
  assert.equal(done.at(-1), 'unknown 401')

  faults.heal()
  await site.expectExactLedger()
  await until('health is ok', async () => (await replica.get('/health')).body['status'] === 'ok')
})

/** To one that the gateway may have closed a moment before. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // safe: a system error
  }
}

test('connections whose server has fallen silent are replaced by new ones', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const replica = await site.startReady({ DB_STATEMENT_TIMEOUT_MS: '300', CONFIG_POLL_INTERVAL_MS: '100' })
  const { key } = await site.createKey()
  await until('the key is known', async () => (await replica.call(key)).status === 200)
  await site.expectExactLedger()

  const backends = await site.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tollgate%'`,
  )
  for (const { pid } of backends) signal(pid, 'SIGSTOP')
  try {
    for (let i = 0; i < 5; i++) assert.equal((await replica.call(key)).status, 200)
    await site.expectExactLedger()
    await until('unknown keys are refused again', async () => (await replica.call(unknownKey())).status === 401)
  } finally {
    for (const { pid } of backends) signal(pid, 'SIGCONT')
  }
  await until('health is ok', async () => (await replica.get('/health')).body['status'] === 'ok')
  await site.expectExactLedger()
})
