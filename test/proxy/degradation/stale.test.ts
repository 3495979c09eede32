import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Env, until } from '../../support/gateway.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { startSite, untilReady } from '../../support/replicas.ts'

const bounds: Readonly<Record<string, Env>> = {
  KEY_MAX_STALE_MS: { KEY_MAX_STALE_MS: '1000', CONFIG_POLL_INTERVAL_MS: '100' },
  STORAGE_FALLBACK_MAX_RETRIES: { STORAGE_FALLBACK_MAX_RETRIES: '3', STORAGE_FALLBACK_RETRY_INTERVAL_MS: '200' },
}

for (const [name, env] of Object.entries(bounds)) {
  test(`an outage that outlasts ${name} ends the service, until the database is back`, async (t) => {
    const site = await startSite(t, await freshDatabase())
    const { url, faults } = await site.throughProxy()
    const replica = await site.startReady({ ...env, DATABASE_URL: url })
    const { key } = await site.createKey()
    await until('the key is known', async () => (await replica.call(key)).status === 200)

    faults.refuse()
    await until('calls are refused', async () => {
      const { status, code } = await replica.call(key)
      if (status === 200) return false
      assert.deepEqual([status, code], [503, 'storage_unavailable'])
      return true
    })
    assert.equal((await replica.get('/health/ready')).status, 503)
    assert.equal((await replica.get('/health')).status, 503)
    assert.equal((await replica.get('/health/live')).status, 200)

    faults.heal()
    await untilReady(replica)
    await until('the key is known again', async () => (await replica.call(key)).status === 200)
    await until('health is ok', async () => (await replica.get('/health')).body['status'] === 'ok')
    await site.expectExactLedger()
  })
}
