import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { startFleet } from '../../support/fleet.ts'
import { until } from '../../support/gateway.ts'

const LIMIT = 60_000
const LARGEST = 300

test('without the database each replica spends its share of the rest, and with it the books agree', async (t) => {
  const faults: FaultProxy[] = []
  const fleet = await startFleet(t, 3, async (_place, url) => {
    const fault = await startFaultProxy({ port: Number(new URL(url).port) })
    t.after(() => fault.close())
    faults.push(fault)
    const through = new URL(url)
    through.port = String(fault.port)
    return { LIMIT_WAIT_MS: '500', DATABASE_URL: through.href }
  })
  const { id, key } = await fleet.createKey({ tokenLimit: LIMIT })
  const next = () => ({ tokens: LARGEST })
  // Until every replica has asked once: so it knows how many they are and what is left.
  await until('some of it is used', async () => {
    const answers = await Promise.all(fleet.gateways.map((gateway) => fleet.call(gateway, key, LARGEST)))
    return answers.every(({ status }) => status === 200) && fleet.served(key) > LIMIT / 10
  })
  const before = fleet.served(key)
  for (const fault of faults) fault.refuse()
  const shares: number[] = []
  const statuses = new Map<number, number>()
  for (const gateway of fleet.gateways) {
    const start = fleet.served(key)
    await fleet.exhaust(key, {
      clients: 6,
      next,
      gateways: [gateway],
      onAnswer({ status, headers }) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status === 503) assert.ok(Number(headers['retry-after']) >= 1)
      },
    })
    shares.push(fleet.served(key) - start)
  }
  t.diagnostic(`served before ${before}, without the database ${shares.join(', ')}; ${JSON.stringify([...statuses])}`)
  assert.deepEqual([...statuses.keys()].toSorted(), [200, 503])
  const served = fleet.served(key)
  assert.ok(served <= LIMIT * 1.02, `${served} of ${LIMIT} without the database`)
  for (const share of shares) assert.ok(share >= (LIMIT - before) / 5, `one of the shares is only ${share}`)

  for (const fault of faults) fault.heal()
  await until('every call is in the books', async () => {
    const [row] = await fleet.query<{ sum: number }>(
      'SELECT coalesce(sum(tokens), 0)::bigint AS sum FROM tollgate.usage_windows WHERE key_id = $1',
      id,
    )
    return row?.sum === served
  })
  await fleet.exhaust(key, { clients: 6, next })
  t.diagnostic(`${((100 * fleet.served(key)) / LIMIT).toFixed(2)} % of the limit in the end`)
  assert.ok(Math.abs(fleet.served(key) / LIMIT - 1) <= 0.02, `${fleet.served(key)} of ${LIMIT}`)
})
