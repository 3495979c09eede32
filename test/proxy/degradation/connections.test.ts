import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from 'pg'
import { until } from '../../support/gateway.ts'
import { startPostgres } from '../../support/postgres.ts'
import { startSite, unknownKey } from '../../support/replicas.ts'

test('when PostgreSQL has no connection left known keys go on, and unknown ones are told to come again', async (t) => {
  const server = await startPostgres({ max_connections: '12' })
  t.after(() => server.close())
  const site = await startSite(t, await server.createDatabase())
  const replica = await site.startReady()
  const { key } = await site.createKey()
  await until('the key is known', async () => (await replica.call(key)).status === 200)

  const taken: Client[] = []
  const takeAll = async (): Promise<void> => {
    for (;;) {
      const client = new Client({ connectionString: server.url('postgres') })
      client.on('error', () => undefined) // of the server's end
      try {
        await client.connect()
      } catch {
        return
      }
      taken.push(client)
    }
  }
  await until('nothing is left for the gateway', async () => {
    await takeAll()
    const ended = await taken[0]?.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tollgate%'`,
    )
    await takeAll()
    // One that is still ending would leave a place free later.
    return ended?.rowCount === 0 && (await replica.call(unknownKey())).code === 'storage_unavailable'
  })
  for (let i = 0; i < 5; i++) assert.equal((await replica.call(key)).status, 200)
  const unknown = await replica.call(unknownKey())
  assert.deepEqual([unknown.status, unknown.code], [503, 'storage_unavailable'])
  assert.equal((await replica.get('/health/ready')).status, 200)
  assert.equal((await replica.get('/health')).body['status'], 'degraded')

  for (const client of taken) await client.end()
  await until('health is ok', async () => (await replica.get('/health')).body['status'] === 'ok')
  await site.expectExactLedger()
  assert.equal((await replica.call(unknownKey())).status, 401)
})
