import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts'
import { createHome, type Home, startGateway, until, upstreamEnv } from '../support/gateway.ts'
import { type Load, seededRandom, startLoad } from '../support/load.ts'
import type { EntryRow } from '../support/scene.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 25)
const SEED = Number(process.env['SEED'] ?? 1)
const ADMIN_KEY = 'tg_an_admin_key_for_tests'

/** The spend by key, and by key and minute, as the counters have it and as the entries have it. */
const COUNTERS = [
  `SELECT id AS key_id, lifetime_tokens AS tokens FROM api_keys WHERE lifetime_tokens > 0 ORDER BY 1`,
  `SELECT key_id, minute, tokens FROM usage_windows ORDER BY 1, 2`,
] as const
const SUMS = [
  `SELECT key_id, sum(spend_tokens) AS tokens FROM request_logs GROUP BY 1 ORDER BY 1`,
  `SELECT key_id, admitted_at - admitted_at % 60000 AS minute, sum(spend_tokens) AS tokens
   FROM request_logs GROUP BY 1, 2 ORDER BY 1, 2`,
] as const

/** Kills the gateway at a moment of its life that is chance: in the middle of its start, or under load. */
async function killOnce(home: Home, load: Load, random: () => number, atKill: Set<string>): Promise<void> {
  const atStart = random() < 0.2
  const delayMs = random() * (atStart ? 400 : 500)
  const killed = Promise.withResolvers<void>()
  const started = startGateway(home, {}, (child) => {
    void once(child, 'exit').then(() => killed.resolve())
    const kill = (): void => {
      child.kill('SIGKILL')
      load.aim(undefined)
      for (const model of load.inFlight) atKill.add(model)
    }
    if (atStart) setTimeout(kill, delayMs)
    else child.stdout?.once('data', () => setTimeout(kill, delayMs))
  })
  await started.then(
    ({ url, process: child }) => {
      if (!child.killed) load.aim(url)
    },
    () => undefined, // killed before it listened
  )
  await killed.promise
  await until('every client knows', () => load.inFlight.size === 0)
}

/** The guarantee at the end of section 3 of the design, line by line. */
function compare(home: Home, upstream: FakeUpstream, load: Load, atKill: ReadonlySet<string>): void {
  const rows = home.query<EntryRow>('SELECT * FROM request_logs')
  const entries = new Map(rows.map((row) => [row.model ?? '', row]))
  assert.equal(entries.size, rows.length, 'a call has no more than one entry')
  for (const { model = '' } of upstream.calls) assert.ok(entries.has(model), `${model} has an entry`)

  const seen = new Map(upstream.calls.map((call) => [call.model, call]))
  for (const [model, row] of entries) {
    if (row.metering !== 'exact') {
      assert.equal(row.metering, 'estimated')
      assert.ok(atKill.has(model), `${model} is estimated (${row.status}, ${row.error}) and was in flight at a kill`)
      continue
    }
    const call = seen.get(model)
    assert.ok(call, `${model} is exact, so the upstream saw it`)
    // Of a call whose end it could not deliver the upstream knows less than it had told.
    const used = call.ended === 'complete' ? call.served : load.plans.get(model)?.usage
    assert.deepEqual(
      [row.input_tokens, row.cache_read_tokens, row.cache_write_tokens, row.output_tokens, row.reasoning_tokens],
      [used?.input, used?.cacheRead, used?.cacheWrite, used?.output, used?.reasoning],
      model,
    )
    assert.equal(row.spend_tokens, row.input_tokens + row.cache_write_tokens + row.output_tokens)
  }
  for (const model of load.complete) {
    assert.equal(entries.get(model)?.metering, 'exact', `${model} was seen to its end, so its entry is exact`)
  }
  for (const [place, counter] of COUNTERS.entries()) {
    assert.deepEqual(home.query(counter), home.query(SUMS[place] ?? ''), 'the counters are the sums of the entries')
  }
}

test(`${ROUNDS} kills under load neither lose nor double a spend`, async (t) => {
  t.diagnostic(`SEED=${SEED} ROUNDS=${ROUNDS}`)
  const random = seededRandom(SEED)
  const upstream = await startFakeUpstream({ plan: ({ model = '' }) => load.plans.get(model) ?? {} })
  const home = await createHome({
    ...upstreamEnv(upstream.url),
    ADMIN_API_KEY: ADMIN_KEY,
    LEDGER_COMMIT_INTERVAL_MS: '30',
  })
  const keys = [ADMIN_KEY, (await home.createKey()).key, (await home.createKey(['--token-limit', '1000000000000'])).key]
  const load = startLoad({ clients: 32, keys, random })
  const atKill = new Set<string>()
  try {
    for (let round = 0; round < ROUNDS; round++) await killOnce(home, load, random, atKill)
    const last = await startGateway(home)
    const before = load.complete.size
    load.aim(last.url)
    await until('calls go through again', () => load.complete.size > before + 100)
    await load.stop()
    assert.equal(await last.stop(), 0)

    // One that was being made at a kill has another name and holds nothing; it goes after a minute.
    const folders = readdirSync(join(home.path, 'spool')).filter((name) => !name.startsWith('.'))
    assert.deepEqual(folders, [])
    compare(home, upstream, load, atKill)
    const [{ estimated } = { estimated: 0 }] = home.query<{ estimated: number }>(
      "SELECT count(*) AS estimated FROM request_logs WHERE metering = 'estimated'",
    )
    t.diagnostic(
      `${upstream.calls.length} calls, ${load.complete.size} seen to their end, ` +
        `${atKill.size} in flight at a kill, ${estimated} of them estimated`,
    )
    assert.ok(atKill.size > ROUNDS, 'the kills met calls in flight')
  } finally {
    load.aim(undefined)
    await load.stop()
    await upstream.close()
    await home.remove()
  }
})
