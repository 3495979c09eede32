import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json } from '../support/ask.ts'
import { until } from '../support/gateway.ts'
import { startPgbouncer } from '../support/pgbouncer.ts'
import { startPostgres } from '../support/postgres.ts'
import { SPEND, startSite, unknownKey } from '../support/replicas.ts'

const POOL = 2
const KEYS = 3
/** Of each key on each replica, and with each as many of a key that nobody has made. */
const KNOWN_CALLS = 12

test('behind a PgBouncer in transaction mode with two connections everything is as without it', async (t) => {
  const server = await startPostgres()
  t.after(() => server.close())
  const pgbouncer = await startPgbouncer(server, POOL)
  t.after(() => pgbouncer.close())
  const direct = await server.createDatabase()
  const database = new URL(direct).pathname.slice(1)
  const site = await startSite(t, direct, {
    DATABASE_URL: pgbouncer.url(database),
    DATABASE_DIRECT_URL: direct,
    CONFIG_POLL_INTERVAL_MS: '3600000', // only LISTEN can tell
  })

  const [one, two] = await Promise.all([site.startReady(), site.startReady()])
  const made = await Promise.all(Array.from({ length: KEYS }, () => one.home.createKey()))
  const statuses = await Promise.all(
    made.flatMap(({ key }) =>
      [one, two].flatMap((replica) =>
        Array.from(
          { length: 2 * KNOWN_CALLS },
          async (_, at) => (await replica.call(at % 2 === 0 ? key : unknownKey())).status,
        ),
      ),
    ),
  )
  assert.deepEqual(new Set(statuses), new Set([200, 401]))
  await site.expectExactLedger()

  const listed = await two.home.cli(['keys', 'list', '--json'])
  assert.equal(listed.status, 0, listed.stderr)
  const used = (JSON.parse(listed.stdout) as { name: string; lifetimeTokens: number }[]) // safe: the contract of --json
    .filter(({ name }) => made.some((key) => key.name === name))
    .map(({ lifetimeTokens }) => lifetimeTokens)
  assert.deepEqual(
    used,
    made.map(() => 2 * KNOWN_CALLS * SPEND),
  )

  const [first] = made
  assert.ok(first)
  assert.equal((await one.home.cli(['keys', 'revoke', first.name])).status, 0)
  for (const replica of [one, two]) {
    await until('the revocation is seen', async () => (await replica.call(first.key)).code === 'key_revoked')
    const { status, body } = await replica.get('/health')
    assert.deepEqual([status, body['status']], [200, 'ok'])
  }
  const { status, stdout } = await one.home.cli(['schema', 'status', '--json'])
  assert.equal(status, 0)
  assert.deepEqual(json(stdout)['pending'] ?? [], [])
  const connections = await site.query<{ application: string }>(
    'SELECT application_name AS application FROM pg_stat_activity WHERE datname = $1',
    database,
  )
  const listening = 2
  assert.ok(connections.filter(({ application }) => application === 'tollgate').length <= POOL + listening)
})
