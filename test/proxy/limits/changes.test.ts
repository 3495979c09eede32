import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStatementCounter, type StatementCounter } from '../../../bench/statement-counter.ts'
import { type Fleet, startFleet } from '../../support/fleet.ts'
import { until } from '../../support/gateway.ts'
import { json } from '../../support/ask.ts'

const TOKENS = 20
const LIMIT = 3000
/** The body of a call counts at first, too: what is left may be less than it and its answer. */
const ONE_CALL = 200
const next = () => ({ tokens: TOKENS })
/** Longer than a busy database takes to lend; a call that nobody will let in does not wait for it. */
const LIMIT_WAIT_MS = '5000'
/** Many more than statements are made meanwhile. */
const REFUSALS = 700

/** Resolves when every gateway lets the key in; answers after how many milliseconds. */
async function untilLetIn(fleet: Fleet, key: string): Promise<number> {
  const start = performance.now()
  await Promise.all(
    fleet.gateways.map((gateway) =>
      until('a gateway lets the key in', async () => (await fleet.call(gateway, key, 1)).status === 200),
    ),
  )
  return Math.round(performance.now() - start)
}

function expectServed(fleet: Fleet, key: string, tokens: number): void {
  const served = fleet.served(key)
  assert.ok(Math.abs(served - tokens) <= ONE_CALL, `${served} were served, and the limit allows ${tokens}`)
}

test('what an administrator changes of a spent limit is soon in force on every replica', async (t) => {
  const fleet = await startFleet(t, 3, { LIMIT_WAIT_MS })
  const { id, key } = await fleet.createKey({ tokenLimit: LIMIT })
  const other = await fleet.createKey({ tokenLimit: 10_000_000, rpm: 100_000 })
  const over = new AbortController()
  const bystander = async (): Promise<void> => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const answer = await fleet.call(fleet.gateways[turn % 3] ?? assert.fail(), other.key, TOKENS)
      assert.equal(answer.status, 200, answer.text)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const standing = bystander()
  await fleet.exhaust(key, { clients: 12, next })
  expectServed(fleet, key, LIMIT)

  await fleet.keys.update(id, { tokenLimit: 2 * LIMIT })
  t.diagnostic(`an increase: ${await untilLetIn(fleet, key)} ms`)
  await until('some of it is used', async () => {
    await fleet.call(fleet.gateways[0] ?? assert.fail(), key, TOKENS)
    return fleet.served(key) > 1.5 * LIMIT
  })
  // In the middle of its use, when replicas hold leases.
  await fleet.keys.reset(id, Date.now())
  const before = fleet.served(key)
  await fleet.exhaust(key, { clients: 12, next })
  const used = fleet.served(key) - before
  assert.ok(Math.abs(used - 2 * LIMIT) <= 2 * ONE_CALL, `${used} were served after a reset`)

  await fleet.keys.reset(id, Date.now())
  t.diagnostic(`a reset of a spent limit: ${await untilLetIn(fleet, key)} ms`)
  over.abort()
  await standing
  for (const { log } of fleet.gateways) {
    assert.deepEqual(
      log.filter(({ level }) => level >= 50),
      [],
    )
  }
})

test('a spent key is refused from memory', async (t) => {
  let counter: StatementCounter | undefined
  const fleet = await startFleet(t, 2, async (place, url) => {
    if (place > 0) return { LIMIT_WAIT_MS }
    counter = await startStatementCounter(Number(new URL(url).port))
    t.after(() => counter?.close())
    const counted = new URL(url)
    counted.port = String(counter.port)
    return { LIMIT_WAIT_MS, DATABASE_URL: counted.href }
  })
  const { key } = await fleet.createKey({ tokenLimit: 1000 })
  await fleet.exhaust(key, { clients: 8, next })
  const gateway = fleet.gateways[0] ?? assert.fail()
  const [start, before] = [performance.now(), counter?.count() ?? NaN]
  let refused = 0
  const client = async (): Promise<void> => {
    while (refused < REFUSALS) {
      const answer = await fleet.call(gateway, key, TOKENS)
      assert.equal(answer.status, 429, answer.text)
      assert.equal((json(answer.text)['error'] as { tokens_limit?: number }).tokens_limit, 1000) // safe: the test compares
      const retryAfter = Number(answer.headers['retry-after'])
      assert.ok(retryAfter > 17_000 && retryAfter <= 18_061, `Retry-After: ${retryAfter}; ${answer.text}`)
      refused += 1
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  await Promise.all(Array.from({ length: 4 }, client))
  const seconds = (performance.now() - start) / 1000
  const statements = (counter?.count() ?? NaN) - before
  t.diagnostic(`${refused} refusals in ${seconds.toFixed(1)} s: ${statements} statements`)
  // What recurs is two or three a second: an ask, looks at the revision, a commit.
  assert.ok(statements <= 5 * seconds + 10, `${statements} statements`)
})
