import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStatementCounter, type StatementCounter } from '../../../bench/statement-counter.ts'
import { startFleet } from '../../support/fleet.ts'
import { until } from '../../support/gateway.ts'

const KEYS = 100
const PER_SECOND = 150
const SECONDS = 5
/** 25 for a thousand calls at 500 calls a second. */
const STATEMENTS_PER_SECOND = 12.5

test('a hundred busy keys with limits cost the database a dozen statements a second', async (t) => {
  let counter: StatementCounter | undefined
  const fleet = await startFleet(t, 1, async (_place, url) => {
    counter = await startStatementCounter(Number(new URL(url).port))
    t.after(() => counter?.close())
    const counted = new URL(url)
    counted.port = String(counter.port)
    return { DATABASE_URL: counted.href }
  })
  const [gateway] = fleet.gateways
  assert.ok(gateway)
  const keys = await Promise.all(
    Array.from({ length: KEYS }, () => fleet.createKey({ tokenLimit: 1_000_000, rpm: 10_000 })),
  )
  // Each is looked up once, and asks for its first lease.
  const firsts = await Promise.all(keys.map(({ key }) => fleet.call(gateway, key, 10)))
  assert.ok(firsts.every(({ status }) => status === 200))
  // The start has work of its own, which comes once.
  let last = NaN
  await until('only what recurs is left', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const isCalm = (counter?.count() ?? NaN) - last <= 8
    last = counter?.count() ?? NaN
    return isCalm
  })
  const [start, before] = [performance.now(), counter?.count() ?? NaN]
  const calls: Promise<void>[] = []
  for (let elapsed = 0; elapsed < SECONDS * 1000; elapsed = performance.now() - start) {
    while (calls.length < (elapsed / 1000) * PER_SECOND) {
      const { key } = keys[calls.length % KEYS] ?? assert.fail()
      calls.push(fleet.call(gateway, key, 10).then(({ status, text }) => assert.equal(status, 200, text)))
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await Promise.all(calls)
  const seconds = (performance.now() - start) / 1000
  const statements = (counter?.count() ?? NaN) - before
  t.diagnostic(
    `${statements} statements for ${calls.length} calls of ${KEYS} keys in ${seconds.toFixed(1)} s: ${(statements / seconds).toFixed(1)} a second`,
  )
  assert.ok(statements <= STATEMENTS_PER_SECOND * seconds + 5, `${statements} statements in ${seconds} s`)
})
