import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSecret } from '../../../proxy/auth/secret.ts'
import { createKeyStore } from '../../../proxy/store/keys.ts'
import { migrate } from '../../../proxy/store/migrate.ts'
import { createPriceStore } from '../../../proxy/store/prices.ts'
import { openSqlite } from '../../../proxy/store/sqlite.ts'
import { type Answer, ask } from '../../support/ask.ts'
import { keyFields } from '../../support/database.ts'
import { startFakeUpstream } from '../../support/fake-upstream.ts'
import { type Fleet, startFleet } from '../../support/fleet.ts'
import { createHome, type GatewayProcess, startGateway, until, upstreamEnv } from '../../support/gateway.ts'
import { seededRandom } from '../../support/load.ts'

const LARGEST = 100
const BUDGET_TOKENS = 20_000
/** A dollar for a million tokens of every kind: a thousand nano-USD each. */
const NANO_PER_TOKEN = 1000
const PRICE = 1_000_000 * NANO_PER_TOKEN

/** All keys at once, by clients that call again until all have been refused for a while. */
async function exhaust(fleet: Fleet, keys: readonly string[], gateways: readonly GatewayProcess[]): Promise<void> {
  const random = seededRandom(Number(process.env['SEED'] ?? 1))
  const statuses = new Set<number>()
  const next = () => ({ tokens: Math.ceil(random() * LARGEST), atMost: LARGEST })
  const onAnswer = ({ status }: Answer): void => void statuses.add(status)
  await Promise.all(keys.map((key) => fleet.exhaust(key, { clients: 6, next, gateways, onAnswer })))
  assert.deepEqual(statuses, new Set([200, 429]))
}

test('replicas keep to the budget of a tenant together, whichever of its keys calls, and also when one was killed', async (t) => {
  const fleet = await startFleet(t, 3, { LIMIT_WAIT_MS: '500', LEDGER_COMMIT_INTERVAL_MS: '20' })
  const [victim, ...others] = fleet.gateways
  assert.ok(victim)
  await fleet.prices.set('claude-fake', { input: PRICE, cacheRead: PRICE, cacheWrite: PRICE, output: PRICE })
  const budget = BUDGET_TOKENS * NANO_PER_TOKEN
  await fleet.keys.tenants.create('tenant-1', { name: 'acme', budget5h: budget }, Date.now())
  const one = await fleet.createKey({ tenantId: 'tenant-1' })
  const two = await fleet.createKey({ tenantId: 'tenant-1', budgetDay: 10 * budget })
  const keys = [one.key, two.key]
  const share = (): number => keys.reduce((sum, key) => sum + fleet.served(key), 0) / BUDGET_TOKENS

  for (const gateway of fleet.gateways) {
    await until('the price is known', async () => (await fleet.call(gateway, one.key, 1)).status === 200)
    const unpriced = await fleet.call(gateway, one.key, 1, { model: 'gpt-fake' })
    assert.match(unpriced.text, /The tenant of this key has a budget in money/)
  }
  await exhaust(fleet, keys, fleet.gateways)
  t.diagnostic(`${(100 * share()).toFixed(2)} % of the budget`)
  assert.ok(Math.abs(share() - 1) <= 0.02, `they were granted ${share()} of the budget`)

  // What the killed one has written down is counted; its leases lapse.
  await until('every call is in the books', async () => {
    const [row] = await fleet.query<{ tokens: number }>(
      'SELECT sum(spend_tokens)::bigint AS tokens FROM tollgate.request_logs',
    )
    return row?.tokens === keys.reduce((sum, key) => sum + fleet.served(key), 0)
  })
  await victim.stop('SIGKILL')
  await fleet.keys.tenants.update('tenant-1', { budget5h: 2 * budget })
  const start = performance.now()
  for (const gateway of others) {
    await until('the change is in force', async () => (await fleet.call(gateway, one.key, 1)).status === 200)
  }
  t.diagnostic(`a larger budget: ${Math.round(performance.now() - start)} ms`)
  await exhaust(fleet, keys, others)
  t.diagnostic(`${(50 * share()).toFixed(2)} % of twice the budget`)
  assert.ok(Math.abs(share() - 2) <= 0.04, `they were granted ${share()} of the budget`)
  // Of the keys and of the tenant by the same statements: one and the same sum.
  const sums = await fleet.query<{ cost: number }>(
    `SELECT sum(amount)::bigint AS cost FROM tollgate.limit_buckets
     WHERE unit = 'usd_minute' GROUP BY subject LIKE 'tenant:%'`,
  )
  assert.equal(sums.length, 2)
  assert.equal(sums[0]?.cost, sums[1]?.cost)
})

test('one gateway on SQLite keeps to the budget of a tenant within one call, across restarts, moves and resets', async (t) => {
  const home = await createHome({
    LIMIT_WAIT_MS: '1000',
    LEDGER_COMMIT_INTERVAL_MS: '20',
    CONFIG_POLL_INTERVAL_MS: '20',
  })
  t.after(() => home.remove())
  const usage = { input: 5, output: 45 }
  const upstream = await startFakeUpstream({ plan: () => ({ usage }) })
  t.after(() => upstream.close())
  const database = await openSqlite(join(home.path, 'tollgate.db'))
  t.after(() => database.close())
  await migrate(database)
  const [store, prices] = [createKeyStore(database), createPriceStore(database)]
  await prices.set('claude-fake', { input: PRICE, cacheRead: PRICE, cacheWrite: PRICE, output: PRICE })
  const costs = 50 * NANO_PER_TOKEN
  await store.tenants.create('tenant-1', { name: 'acme', budgetMonth: 10 * costs }, Date.now())
  const secrets = await Promise.all(
    ['one', 'two', 'three'].map(async (name) => {
      const secret = createSecret()
      const tenantId = name === 'three' ? null : 'tenant-1'
      await store.create(name, keyFields({ name, tenantId }), secret, Date.now())
      return secret.key
    }),
  )
  let gateway = await startGateway(home, upstreamEnv(upstream.url))
  t.after(() => gateway.stop('SIGKILL'))
  const call = (key = ''): Promise<Answer> =>
    ask(`${gateway.url}/v1/messages`, {
      headers: { 'x-api-key': key },
      body: { model: 'claude-fake', max_tokens: 45, messages: [{ role: 'user', content: 'Hi' }] },
    })
  const [one, two, three] = secrets
  /** How many calls are let in until both keys of the tenant are refused for its budget. */
  const granted = async (): Promise<number> => {
    for (let calls = 0; ; calls++) {
      const { status, text } = await call(calls % 2 === 0 ? one : two)
      if (status === 200) continue
      assert.match(text, /of a month that the keys of the tenant share/)
      assert.equal((await call(calls % 2 === 0 ? two : one)).status, 429)
      return calls
    }
  }
  assert.equal((await call(one)).status, 200)
  await gateway.stop('SIGKILL')
  gateway = await startGateway(home, upstreamEnv(upstream.url))
  assert.equal(await granted(), 9)

  await store.tenants.update('tenant-1', { budgetMonth: 12 * costs })
  await until('the change is in force', async () => (await call(one)).status === 200)
  assert.equal(await granted(), 1)

  assert.equal((await call(three)).status, 200)
  await store.update('three', { tenantId: 'tenant-1' })
  await until('the key counts to its tenant', async () => (await call(three)).status === 429)
  await store.update('one', { tenantId: null })
  await until('the key is free of it', async () => (await call(one)).status === 200)
  await store.update('one', { tenantId: 'tenant-1' })
  await until('the key is back', async () => (await call(one)).status === 429)

  await store.tenants.reset('tenant-1')
  await until('the reset is in force', async () => (await call(two)).status === 200)
  assert.equal(await granted(), 11)
})
