import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { createHome, upstreamEnv } from '../support/gateway.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { createCrew } from './crew.ts'
import { ANSWERED_IN_OUTAGES, CUT_COMMITS, faults, type Stage } from './faults.ts'
import { createKey, expectKeys } from './keys.ts'
import { query } from './query.ts'
import { createRandom } from './random.ts'
import { createReport } from './report.ts'
import { createRounds, pass } from './rounds.ts'
import { idOf, startTraffic, type Traffic } from './traffic.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 60)
const SEED = Number(process.env['SEED'] ?? 1)
/** After so many the books are compared and closed, so that a long run needs no more memory than a short one. */
const SEASON = 100
const NAMES = ['first', 'second', 'third'] as const

test(`${ROUNDS} rounds of faults around PostgreSQL neither lose nor double an entry`, async (t) => {
  const random = createRandom(SEED)
  const postgres = await startPostgres()
  t.after(() => postgres.close())
  const database = await postgres.createDatabase('tollgate')
  const networks: Record<string, FaultProxy> = {}
  for (const name of NAMES) networks[name] = await startFaultProxy(postgres)
  const upstream = await startFakeUpstream({ plan: (seen) => traffic.calls.get(idOf(seen))?.plan ?? {} })
  const desk = await createHome({ DATABASE_URL: database })
  const crew = await createCrew({
    envs: Object.fromEntries(NAMES.map((name) => [name, environment(postgres, networks[name], upstream)])),
    traffic: () => traffic,
  })
  const traffic: Traffic = startTraffic(createRandom(SEED + 1), crew.members)
  t.after(async () => {
    await crew.close()
    await traffic.stop()
    await upstream.close()
    for (const network of Object.values(networks)) await network.close()
    await desk.remove()
  })

  const [first, ...others] = crew.members
  assert.ok(first)
  const rounds = createRounds(random, faults, [first, ...others])
  const report = createReport(t, { seed: SEED, rounds, crew, traffic, upstream, query: (sql) => query(database, sql) })
  const stage: Stage = {
    crew,
    postgres,
    traffic,
    desk,
    endedKeys: [],
    network: ({ name }) => networks[name] ?? assert.fail(`no network of ${name}`),
    query: (sql) => query(database, sql),
    count: report.count,
  }
  for (let count = 0; count < 4; count++) traffic.keys.add(await createKey(desk, count === 0))
  await Promise.all(crew.members.map((member) => crew.start(member)))

  for (let round = 0; round < ROUNDS;) {
    traffic.go()
    for (const end = Math.min(ROUNDS, round + SEASON); round < end; round++) {
      await report.during(() => rounds.next(stage))
      await report.during(() => pass(traffic, 30))
    }
    await traffic.hold()
    await report.during(() => crew.settle())
    await report.during(() => expectKeys(stage))
    await report.closeBooks()
  }
  for (const member of crew.members) assert.equal((await crew.end(member)).status, 0)
  assert.deepEqual(
    readdirSync(crew.spoolDir).filter((name) => !name.startsWith('.')),
    [],
  )
  report.print()
  if (ROUNDS < 60) return // too few for each kind to have had its turn
  assert.ok(report.counted(ANSWERED_IN_OUTAGES) > 0)
  assert.ok(report.counted(CUT_COMMITS) > 0)
})

function environment(postgres: PostgresServer, network: FaultProxy | undefined, upstream: FakeUpstream) {
  return {
    ...upstreamEnv(upstream.url),
    DATABASE_URL: postgres.url('tollgate', network?.port),
    ADMIN_API_KEY: 'tg_an_admin_key_for_tests',
    LEDGER_COMMIT_INTERVAL_MS: '50',
    SNAPSHOT_INTERVAL_MS: '500',
    STORAGE_FALLBACK_RETRY_INTERVAL_MS: '200',
    SHUTDOWN_GRACE_MS: '500',
  }
}
