import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, json } from '../../support/ask.ts'
import { startFleet } from '../../support/fleet.ts'
import { until } from '../../support/gateway.ts'
import { seededRandom } from '../../support/load.ts'

const LARGEST = 100
const BUDGET_TOKENS = 20_000
/** A dollar for a million tokens of every kind: a thousand nano-USD each. */
const NANO_PER_TOKEN = 1000
const PRICE = 1_000_000 * NANO_PER_TOKEN

test('replicas keep to a budget in money together', async (t) => {
  const fleet = await startFleet(t, 3, { LIMIT_WAIT_MS: '500' })
  await fleet.prices.set('claude-fake', { input: PRICE, cacheRead: PRICE, cacheWrite: PRICE, output: PRICE })
  const { id, key } = await fleet.createKey({ budget5h: BUDGET_TOKENS * NANO_PER_TOKEN })
  for (const gateway of fleet.gateways) {
    await until('the price is known', async () => (await fleet.call(gateway, key, 1)).status === 200)
    const unpriced = await fleet.call(gateway, key, 1, { model: 'gpt-fake' })
    assert.equal(unpriced.status, 403, unpriced.text)
    assert.match(unpriced.text, /has no price/)
  }
  const random = seededRandom(Number(process.env['SEED'] ?? 1))
  const codes = new Set<number>()
  await fleet.exhaust(key, {
    clients: 12,
    next: () => ({ tokens: Math.ceil(random() * LARGEST), atMost: LARGEST, stream: random() < 0.3 }),
    onAnswer: ({ status }) => void codes.add(status),
  })
  const share = fleet.served(key) / BUDGET_TOKENS
  t.diagnostic(`${(100 * share).toFixed(2)} % of the budget`)
  assert.ok(Math.abs(share - 1) <= 0.02, `they were granted ${share} of the budget`)
  assert.deepEqual(codes, new Set([200, 429]))
  await until('every call is in the books', async () => {
    const [row] = await fleet.query<{ cost: number }>(
      "SELECT sum(amount)::bigint AS cost FROM tollgate.limit_buckets WHERE subject = $1 AND unit = 'usd_minute'",
      id,
    )
    return row?.cost === fleet.served(key) * NANO_PER_TOKEN
  })
})

test('a replica tells of what was spent on another', async (t) => {
  const fleet = await startFleet(t, 2)
  const [spending, telling] = fleet.gateways
  assert.ok(spending && telling)
  const { key } = await fleet.createKey({ tokenLimit: 10_000 })
  const used = async (): Promise<unknown> => {
    const { text } = await ask(`${telling.url}/stats`, { headers: { 'x-api-key': key } })
    return (json(text)['current_usage'] as Record<string, unknown>)['tokens_used_in_current_window'] // safe: the test compares
  }
  assert.equal(await used(), 0)
  for (let call = 0; call < 3; call++) assert.equal((await fleet.call(spending, key, 95)).status, 200)
  const start = performance.now()
  await until('the other replica tells it', async () => (await used()) === 300)
  t.diagnostic(`${Math.round(performance.now() - start)} ms later`)
})
