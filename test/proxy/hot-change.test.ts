import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createSecret } from '../../proxy/auth/secret.ts'
import { type Env, until } from '../support/gateway.ts'
import { freshDatabase } from '../support/postgres.ts'
import { type Replica, type Site, startSite } from '../support/replicas.ts'

const HOUR = '3600000'
/** Nobody listens there. */
const NOWHERE = 'postgres://tollgate@127.0.0.1:1/tollgate'

/** As psql would, with the trigger of all changes: the revision, and a NOTIFY in the same transaction. */
async function limit(site: Site, id: string, tokens: number): Promise<void> {
  await site.query(
    `WITH changed AS (UPDATE tollgate.api_keys SET token_limit = $1 WHERE id = $2),
       counted AS (UPDATE tollgate.settings SET value = (value::bigint + 1)::text WHERE name = 'revision')
     SELECT pg_notify('tollgate_config', 'tollgate')`,
    tokens,
    id,
  )
}

function listeners(site: Site): Promise<{ pid: number }[]> {
  return site.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'tollgate (listens)' AND query <> ''`,
  )
}

async function expectEverywhere(replicas: readonly Replica[], key: string, code: string | undefined): Promise<void> {
  for (const [place, replica] of replicas.entries()) {
    await until(
      `${code ?? 'the call goes through'} on replica ${place}`,
      async () => (await replica.call(key)).code === code,
    )
  }
}

async function startReplicas(site: Site, count: number, env: Env): Promise<Replica[]> {
  return Promise.all(Array.from({ length: count }, () => site.startReady(env)))
}

const ways: Readonly<Record<string, Env>> = {
  'while LISTEN stands': { CONFIG_POLL_INTERVAL_MS: HOUR },
  'within CONFIG_POLL_INTERVAL_MS where nothing can listen': {
    CONFIG_POLL_INTERVAL_MS: '200',
    DATABASE_DIRECT_URL: NOWHERE,
    SKIP_MIGRATION: 'true',
  },
}

for (const [way, env] of Object.entries(ways)) {
  test(`every change of a key is in force on all replicas ${way}`, async (t) => {
    const site = await startSite(t, await freshDatabase())
    const replicas = await startReplicas(site, 3, env)
    const secret = createSecret()
    await expectEverywhere(replicas, secret.key, 'key_invalid')

    const { id } = await site.createKey({}, secret)
    await expectEverywhere(replicas, secret.key, undefined)
    await limit(site, id, 1)
    await expectEverywhere(replicas, secret.key, 'window_exhausted')
    await limit(site, id, 1_000_000)
    await expectEverywhere(replicas, secret.key, undefined)
    await site.keys.setStatus(id, 'disabled')
    await expectEverywhere(replicas, secret.key, 'key_disabled')
    await site.keys.setStatus(id, 'active')
    await expectEverywhere(replicas, secret.key, undefined)

    const next = createSecret()
    await expectEverywhere(replicas, next.key, 'key_invalid')
    await site.keys.rotate(id, next, Number(HOUR))
    await expectEverywhere(replicas, next.key, undefined)
    await expectEverywhere(replicas, secret.key, undefined)
    await site.keys.rotate(id, next)
    await expectEverywhere(replicas, secret.key, 'key_invalid')
    await expectEverywhere(replicas, next.key, undefined)

    await site.keys.tenants.create('tenant', { name: 'acme', status: 'disabled' }, Date.now())
    await site.keys.update(id, { tenantId: 'tenant' })
    await expectEverywhere(replicas, next.key, 'tenant_disabled')
    await site.keys.tenants.update('tenant', { status: 'active' })
    await expectEverywhere(replicas, next.key, undefined)
    await site.keys.setStatus(id, 'revoked')
    await expectEverywhere(replicas, next.key, 'key_revoked')
    await site.expectExactLedger()
  })
}

test('a listener that was cut listens again, and has missed nothing', async (t) => {
  const site = await startSite(t, await freshDatabase())
  const replicas = await startReplicas(site, 2, { CONFIG_POLL_INTERVAL_MS: HOUR })
  const { id, key } = await site.createKey()
  await expectEverywhere(replicas, key, undefined)
  for (const status of ['disabled', 'revoked'] as const) {
    const before = await until('all listen', async () => {
      const found = await listeners(site)
      return found.length === replicas.length && found
    })
    for (const { pid } of before) await site.query('SELECT pg_terminate_backend($1)', pid)
    await site.keys.setStatus(id, status)
    await expectEverywhere(replicas, key, `key_${status}`)
    await until('others listen', async () => {
      const pids = new Set(before.map(({ pid }) => pid))
      const found = await listeners(site)
      return found.length === replicas.length && found.every(({ pid }) => !pids.has(pid))
    })
  }
})

async function startHalfOpen(t: TestContext) {
  const site = await startSite(t, await freshDatabase())
  const { url, faults } = await site.throughProxy()
  const replica = await site.startReady({ CONFIG_POLL_INTERVAL_MS: HOUR, DATABASE_DIRECT_URL: url })
  await until('the gateway listens', async () => (await listeners(site)).length === 1)
  return { site, replica, faults }
}

test('a listener whose packets vanish is noticed, and a key that was revoked meanwhile is refused', async (t) => {
  const { site, replica, faults } = await startHalfOpen(t)
  const [first, second] = [await site.createKey(), await site.createKey()]
  for (const { key } of [first, second]) await expectEverywhere([replica], key, undefined)

  faults.drop()
  await site.keys.setStatus(first.id, 'revoked')
  await expectEverywhere([replica], first.key, 'key_revoked')

  faults.heal()
  await site.keys.setStatus(second.id, 'revoked')
  await expectEverywhere([replica], second.key, 'key_revoked')
  await until('the gateway listens again', () => faults.connections() === 1)
  assert.equal((await replica.get('/health/ready')).status, 200)
  await site.expectExactLedger()
})
