import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import { Client } from 'pg'
import { type Answer, json } from '../../support/ask.ts'
import { startFleet } from '../../support/fleet.ts'
import { type Env, until } from '../../support/gateway.ts'

const LIMIT = 20_000
const LARGEST = 100
const MINUTE = 60_000
/** By so much a gateway may mistake the database's clock if a machine stands still while it asks: an hour it is not. */
const MISTAKE_MS = 5000

/** The wall clock of a process is off by so much, and its monotonic one is not. */
function withClock(offset: string): Env {
  const [library] = globSync('/usr/{lib,local/lib}{,/*}/faketime/libfaketime.so.1')
  if (library === undefined) throw new Error('This test needs libfaketime: apt-get install faketime')
  return { LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' }
}

test('replicas whose clocks are an hour off count and refuse as the others do', async (t) => {
  const clocks: readonly Env[] = [{}, withClock('+1h'), withClock('-1h')]
  const fleet = await startFleet(t, clocks.length, (place) => ({ LIMIT_WAIT_MS: '500', ...clocks[place] }))
  const { id, key } = await fleet.createKey({ tokenLimit: LIMIT, rpm: 1000 })
  // The clocks are off indeed: nothing else would be tested.
  const logged = fleet.gateways.map(({ log }) => Number(log.at(-1)?.['time']) - Date.now())
  assert.deepEqual(
    logged.map((ms) => Math.round(ms / MINUTE) + 0), // and -0 is 0
    [0, 60, -60],
  )
  const between = async (): Promise<number> =>
    (await fleet.query<{ at: number }>('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at'))[0]
      ?.at ?? NaN
  const start = await between()
  for (const gateway of fleet.gateways) {
    const answer = await fleet.call(gateway, key, LARGEST)
    assert.equal(answer.status, 200, answer.text)
  }
  await fleet.exhaust(key, { clients: 9, next: () => ({ tokens: LARGEST }) })
  const served = fleet.served(key)
  assert.ok(Math.abs(served - LIMIT) <= LIMIT * 0.02, `${served} of ${LIMIT}`)

  const last = await Promise.all(fleet.gateways.map((gateway) => fleet.call(gateway, key, LARGEST)))
  const end = await between()
  const windowEnds = (answer: Answer): unknown =>
    (json(answer.text)['error'] as Record<string, unknown>)['window_ends_at'] // safe: the test compares
  assert.deepEqual(
    last.map(({ status }) => status),
    [429, 429, 429],
  )
  assert.equal(new Set(last.map(windowEnds)).size, 1)
  for (const { headers } of last) {
    const seconds = Number(headers['retry-after'])
    assert.ok(seconds > 17_000 && seconds <= 18_061, `Retry-After: ${seconds}`)
  }
  const counted = await fleet.query<{ minute: number }>(
    'SELECT minute FROM tollgate.usage_windows WHERE key_id = $1',
    id,
  )
  assert.ok(counted.length > 0)
  const isBetween = (at: number, lengthMs = 0): boolean => at > start - lengthMs - MISTAKE_MS && at < end + MISTAKE_MS
  for (const { minute } of counted) assert.ok(isBetween(minute, MINUTE), `${minute - end} ms`)
  const entries = await fleet.query<{ at: number }>('SELECT admitted_at AS at FROM tollgate.request_logs')
  for (const { at } of entries) assert.ok(isBetween(at), `${at - end} ms`)
  const rates = await fleet.query<{ start: number }>(
    "SELECT start FROM tollgate.limit_buckets WHERE subject = $1 AND unit = 'requests'",
    id,
  )
  for (const { start: second } of rates) assert.ok(isBetween(second, 1000), `${second - end} ms`)
})

test('a replica whose clock is ahead deletes nothing that still counts', async (t) => {
  const HOUR = 60 * MINUTE
  const fleet = await startFleet(t, 1, async (_place, url) => {
    const client = new Client({ connectionString: url })
    await client.connect()
    for (const hoursAgo of [4.5, 6]) {
      await client.query('INSERT INTO tollgate.usage_windows (key_id, minute, tokens) VALUES ($1, $2, 1)', [
        `${hoursAgo} h ago`,
        Math.floor(Date.now() - hoursAgo * HOUR),
      ])
    }
    await client.end()
    return withClock('+1h')
  })
  const left = await until('what is old is deleted', async () => {
    const rows = await fleet.query<{ key_id: string }>('SELECT key_id FROM tollgate.usage_windows')
    return rows.length < 2 && rows
  })
  assert.deepEqual(left, [{ key_id: '4.5 h ago' }])
})
