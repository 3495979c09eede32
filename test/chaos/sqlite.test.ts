import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startFakeUpstream } from '../support/fake-upstream.ts'
import { upstreamEnv } from '../support/gateway.ts'
import type { Damaged } from './audit.ts'
import { createCrew } from './crew.ts'
import { mountDisk } from './disk.ts'
import { createKey, expectKeys } from './keys.ts'
import { createRandom } from './random.ts'
import { createReport } from './report.ts'
import { createRounds, pass } from './rounds.ts'
import { sqliteFaults, type SqliteStage } from './sqlite-faults.ts'
import { idOf, startTraffic, type Traffic } from './traffic.ts'

/** Half of those of PostgreSQL: there is one gateway, and fewer things can break. */
const ROUNDS = Math.ceil(Number(process.env['ROUNDS'] ?? 60) / 2)
const SEED = Number(process.env['SEED'] ?? 1)
const SEASON = 50
const CLIENTS = 12

test(`${ROUNDS} rounds of faults around SQLite neither lose nor double an entry`, async (t) => {
  const disks = { database: mountDisk(16), spool: mountDisk(32) }
  const { database, spool } = disks
  t.after(() => {
    database?.unmount()
    spool?.unmount()
  })
  const upstream = await startFakeUpstream({ plan: (seen) => traffic.calls.get(idOf(seen))?.plan ?? {} })
  const crew = await createCrew({
    envs: {
      gateway: {
        ...upstreamEnv(upstream.url),
        ADMIN_API_KEY: 'tg_an_admin_key_for_tests',
        LEDGER_COMMIT_INTERVAL_MS: '250', // so that a spool that is damaged holds something
        ...(database && { DATABASE_PATH: join(database.path, 'tollgate.db') }),
      },
    },
    ...(spool && { spoolDir: join(spool.path, 'spool') }),
    traffic: () => traffic,
  })
  const traffic: Traffic = startTraffic(createRandom(SEED + 1), crew.members, CLIENTS)
  t.after(async () => {
    await crew.close()
    await traffic.stop()
    await upstream.close()
  })

  const [member] = crew.members
  assert.ok(member)
  const query = async (sql: string): Promise<readonly object[]> => {
    const file = new DatabaseSync(join(database?.path ?? member.home.path, 'tollgate.db'), {
      readOnly: true,
      timeout: 10_000,
    })
    try {
      return file.prepare(sql).all()
    } finally {
      file.close()
    }
  }
  const random = createRandom(SEED)
  const damaged: Damaged = new Map()
  const rounds = createRounds(random, sqliteFaults(database && spool && { database, spool }), [member])
  const report = createReport(t, { seed: SEED, rounds, crew, traffic, upstream, query, damaged })
  const stage: SqliteStage = { crew, traffic, desk: member.home, endedKeys: [], random, damaged, count: report.count }
  for (let count = 0; count < 3; count++) traffic.keys.add(await createKey(member.home, count === 0))
  await crew.start(member)

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
  assert.equal((await crew.end(member)).status, 0)
  assert.deepEqual(
    readdirSync(crew.spoolDir).filter((name) => !name.startsWith('.')),
    [],
  )
  report.print()
})
