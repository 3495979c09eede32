import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Fleet, startFleet } from '../../support/fleet.ts'
import { until } from '../../support/gateway.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
/** Half of the rate was used so long ago, so that it comes back while the clients call. */
const USED_BEFORE_MS = 48 * SECOND
const CALLING_MS = 17 * SECOND
/** So much longer on a machine that is too slow to use up the rate by then; no call of theirs comes back meanwhile. */
const SLOW_MS = 20 * SECOND
/** As a client that was told to wait, a little. */
const REFUSED_PAUSE_MS = 100

/** When the calls of a key were let in, by the database's clock. */
async function admittedAt(fleet: Fleet, id: string): Promise<readonly number[]> {
  const rows = await fleet.query<{ at: number }>(
    'SELECT admitted_at AS at FROM tollgate.request_logs WHERE key_id = $1 ORDER BY 1',
    id,
  )
  return rows.map(({ at }) => at)
}

/** The most that fell into any one minute; `instants` are sorted. */
function mostInAMinute(instants: readonly number[]): number {
  let from = 0
  let most = 0
  for (const [index, at] of instants.entries()) {
    while ((instants[from] ?? at) <= at - MINUTE) from += 1
    most = Math.max(most, index - from + 1)
  }
  return most
}

test('four replicas let in as many requests a minute as a key may send, bursts included', async (t) => {
  const fleet = await startFleet(t, 4, { LIMIT_WAIT_MS: '200' })
  await Promise.all([60, 300].map((rpm) => expectRate(t, fleet, rpm)))
})

async function expectRate(t: TestContext, fleet: Fleet, rpm: number): Promise<void> {
  const { id, key } = await fleet.createKey({ rpm })
  const [{ now } = assert.fail()] = await fleet.query<{ now: number }>(
    'SELECT floor(extract(epoch FROM clock_timestamp()))::bigint * 1000 AS now',
  )
  const before = now - USED_BEFORE_MS
  await fleet.query(
    `INSERT INTO tollgate.limit_buckets (subject, unit, start, amount) VALUES ($1, 'requests', $2, $3) RETURNING start`,
    id,
    before,
    rpm / 2,
  )
  const tolerance = Math.max(1, rpm * 0.02)
  let served = 0
  let askedBefore = 0
  const refusals: string[] = []
  const deadline = Date.now() + CALLING_MS
  const isOver = (): boolean => Date.now() > deadline && (served >= rpm - tolerance || Date.now() > deadline + SLOW_MS)
  // All at once at first, and then as fast as they are answered.
  const client = async (place: number): Promise<void> => {
    for (let turn = place; !isOver(); turn++) {
      const gateway = fleet.gateways[turn % 4] ?? assert.fail()
      const answer = await fleet.call(gateway, key, 1)
      if (Date.now() < before + MINUTE) askedBefore += 1
      if (answer.status === 200) served += 1
      else {
        assert.equal(answer.status, 429, answer.text)
        refusals.push(String(answer.headers['retry-after']))
        await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS))
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, place) => client(place)))
  const calls = await until('every call has its entry', async () => {
    const instants = await admittedAt(fleet, id)
    return instants.length === served && instants
  })
  const all = [...Array.from({ length: rpm / 2 }, () => before + SECOND - 1), ...calls]
  const most = mostInAMinute(all)
  const firsts = calls.filter((at) => at < before + MINUTE).length
  t.diagnostic(
    `${rpm} a minute: ${most} in the fullest minute, ${firsts} of ${askedBefore} before half came back, ${served} in all`,
  )
  // That it was too little only those can tell who have asked for several times as much.
  const isEnough = firsts >= rpm / 2 - tolerance || askedBefore < 2 * rpm
  assert.ok(firsts <= rpm / 2 + tolerance && isEnough, `${firsts} were let in while half of the rate was used`)
  assert.ok(Math.abs(most - rpm) <= tolerance, `${most} were let in within a minute`)
  assert.ok(
    refusals.every((seconds) => Number(seconds) >= 1 && Number(seconds) <= 61),
    `${new Set(refusals).size}`,
  )
}
