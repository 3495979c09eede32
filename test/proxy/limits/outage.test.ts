import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { startFleet } from '../../support/fleet.ts'
import { until } from '../../support/gateway.ts'

const LIMIT = 60_000
const LARGEST = 300
const LEASE_MS = 5000
const RENEWAL_MS = 1000

test('without the database each replica spends its share of the rest, and with it the books agree', async (t) => {
  const faults: FaultProxy[] = []
  const fleet = await startFleet(t, 3, async (_place, url) => {
    const fault = await startFaultProxy({ port: Number(new URL(url).port) })
    t.after(() => fault.close())
    faults.push(fault)
    const through = new URL(url)
    through.port = String(fault.port)
    // Longer than replicas wait for one another after an outage.
    return { LIMIT_WAIT_MS: '4000', DATABASE_URL: through.href }
  })
  const { id, key } = await fleet.createKey({ tokenLimit: LIMIT })
  const next = () => ({ tokens: LARGEST })
  await until('some of it is used', async () => {
    const answers = await Promise.all(fleet.gateways.map((gateway) => fleet.call(gateway, key, LARGEST)))
    return answers.every(({ status }) => status === 200) && fleet.served(key) > LIMIT / 10
  })
  // What others spend within the second between two asks is not seen; so each has to ask once more.
  const clock = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint'
  const [{ at } = assert.fail()] = await fleet.query<{ at: number }>(`SELECT ${clock} AS at`)
  await until('every replica has renewed its lease twice', async () => {
    const renewed = 'SELECT FROM tollgate.limit_leases WHERE subject = $1 AND expires_at > $2'
    return (await fleet.query(renewed, id, at + LEASE_MS + 2 * RENEWAL_MS)).length === fleet.gateways.length
  })
  const before = fleet.served(key)
  for (const fault of faults) fault.refuse()
  const statuses = new Map<number, number>()
  const shares = await Promise.all(
    fleet.gateways.map(async (gateway) => {
      let share = 0
      await fleet.exhaust(key, {
        clients: 4,
        next,
        gateways: [gateway],
        onAnswer({ status, headers }) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
          if (status === 200) share += LARGEST
          if (status === 503) assert.ok(Number(headers['retry-after']) >= 1)
        },
      })
      return share
    }),
  )
  t.diagnostic(`served before ${before}, without the database ${shares.join(', ')}; ${JSON.stringify([...statuses])}`)
  assert.deepEqual(new Set(statuses.keys()), new Set([200, 503]))
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
