import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFleet } from '../../support/fleet.ts'

const LIMIT = 10_000
const LARGEST = 6000

test('a replica that ends gives its leases back at once, and others use them', async (t) => {
  const fleet = await startFleet(t, 2, { LIMIT_WAIT_MS: '20000' })
  const [leaving, staying] = fleet.gateways
  assert.ok(leaving && staying)
  const { id, key } = await fleet.createKey({ tokenLimit: LIMIT })
  const leases = (): Promise<{ replica_id: string; amount: number; left: number }[]> =>
    fleet.query(
      `SELECT replica_id, amount, expires_at - floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS left
       FROM tollgate.limit_leases WHERE subject = $1 AND amount > 0`,
      id,
    )
  // What the first call may use is leased, and once it has ended a part of it as what the next may need.
  assert.equal((await fleet.call(leaving, key, 10, { atMost: LARGEST })).status, 200)
  const [lease = assert.fail('nothing is leased')] = await leases()
  assert.ok(lease.amount > LIMIT - LARGEST, `${lease.amount} are leased`)
  assert.equal(await leaving.stop(), 0)
  assert.deepEqual(
    (await leases()).filter(({ replica_id: holder }) => holder === lease.replica_id),
    [],
  )
  // Not when it has lapsed: the row is gone before.
  assert.deepEqual(await fleet.query('SELECT id FROM tollgate.replicas WHERE id = $1', lease.replica_id), [])
  const answer = await fleet.call(staying, key, LARGEST)
  assert.equal(answer.status, 200, answer.text)
})
