import { join } from 'node:path'
import type { PostgresServer } from '../test/support/postgres.ts'
import { cpuMs, familyCpuMs } from './cpu.ts'
import type { Figures, Run, Sample } from './figures.ts'
import { createKey, type Gateway, startGateway } from './gateway.ts'
import { type PostgresLedger, postgresLedger } from './ledger.ts'
import { type Lab, loadWith, problemsOf } from './measure.ts'
import { type Fleet, fleetCalls, fleetLoad, fleets } from './scenarios.ts'
import type { Site } from './site.ts'
import { type StatementCounter, startStatementCounter } from './statement-counter.ts'
import { number } from './table.ts'

type Replica = { readonly gateway: Gateway; readonly statements: StatementCounter }

type Shared = {
  readonly site: Site
  readonly lab: Lab
  readonly postgres: PostgresServer
  readonly database: string
  readonly key: string
  readonly ledger: PostgresLedger
  readonly seconds: number
  readonly warmUpSeconds: number
}

type Options = Pick<Shared, 'seconds' | 'warmUpSeconds'> & {
  readonly repetition: number
  readonly say: (line: string) => void
}

/** Gateways on one database, which grow in number from one fleet to the next. */
export async function runFleets(site: Site, lab: Lab, postgres: PostgresServer, options: Options): Promise<Run> {
  const { repetition, say } = options
  const url = new URL(await postgres.createDatabase())
  const home = { name: 'fleet', folder: join(site.dataPath, 'fleet'), database: { DATABASE_URL: url.href } }
  const key = await createKey(site, home)
  const ledger = await postgresLedger(url.href)
  const shared: Shared = { ...options, site, lab, postgres, database: url.pathname.slice(1), key, ledger }

  const replicas: Replica[] = []
  const samples: Sample[] = []
  const problems: string[] = []
  for (const fleet of fleets) {
    problems.push(...(await grow(replicas, fleet.processes, shared)).map((problem) => `${fleet.name}: ${problem}`))
    const measured = await measureFleet(replicas, fleet, shared)
    say(`${repetition} fleet ${fleet.name}: ${inShort(measured.figures)}`)
    samples.push({ target: 'tollgate-postgres', scenario: fleet.name, repetition, figures: measured.figures })
    problems.push(...measured.problems.map((problem) => `${fleet.name}: ${problem}`))
  }
  await Promise.all(replicas.map(({ gateway }) => gateway.process.member.end()))
  for (const { statements } of replicas) statements.close()
  await ledger.close()
  return { samples, problems }
}

/** Starts what is missing, and warms it up: a fresh process first compiles what is hot. */
async function grow(replicas: Replica[], processes: number, shared: Shared): Promise<readonly string[]> {
  const missing = Array.from({ length: processes - replicas.length }, (_, at) => `fleet-${replicas.length + at + 1}`)
  const added = await Promise.all(missing.map((name) => startReplica(name, shared)))
  replicas.push(...added)
  const problems: string[] = []
  for (const { gateway } of added) {
    const door = { origins: [gateway.origin], keys: [shared.key] }
    const load = await loadWith(shared.lab, door, fleetCalls, shared.warmUpSeconds * 3)
    await shared.ledger.awaitMore(load.completed)
    problems.push(...problemsOf([load], null))
  }
  return problems
}

async function startReplica(name: string, { site, postgres, database }: Shared): Promise<Replica> {
  const statements = await startStatementCounter(postgres.port)
  const home = {
    name,
    folder: join(site.dataPath, name),
    database: { DATABASE_URL: postgres.url(database, statements.port) },
  }
  return { gateway: await startGateway(site, home), statements }
}

type Measured = { readonly figures: Figures; readonly problems: readonly string[] }

async function measureFleet(replicas: readonly Replica[], fleet: Fleet, shared: Shared): Promise<Measured> {
  const { lab, ledger, key, postgres, seconds } = shared
  const look = () => ({
    gateways: replicas.reduce((sum, { gateway }) => sum + cpuMs(gateway.process.member.pid), 0),
    database: familyCpuMs(postgres.pid()),
    statements: replicas.map(({ statements }) => statements.count()),
  })
  const since = Date.now()
  const before = look()
  const door = { origins: replicas.map(({ gateway }) => gateway.origin), keys: [key] }
  const load = await loadWith(lab, door, fleetLoad(fleet), seconds)
  await ledger.awaitMore(load.completed)
  const after = look()

  const check = await ledger.check()
  const lagMs = await ledger.commitLagMs(since)
  const mostStatements = Math.max(...after.statements.map((count, at) => count - (before.statements[at] ?? 0)))
  const figures = {
    completed: load.completed,
    failed: load.failed,
    callsPerSecond: (load.completed / load.elapsedMs) * 1000,
    wholeP50Ms: load.wholeMs.p50,
    wholeP99Ms: load.wholeMs.p99,
    cpuMsPerCall: (after.gateways - before.gateways) / load.completed,
    databaseCpuMsPerCall: (after.database - before.database) / load.completed,
    statementsPer1000Calls: (mostStatements * 1000 * replicas.length) / load.completed,
    commitLagP50Ms: lagMs.p50,
    commitLagP99Ms: lagMs.p99,
    ledgerCalls: check.calls,
    ledgerRows: check.rows,
  }
  return { figures, problems: problemsOf([load], check) }
}

function inShort({ completed, callsPerSecond, statementsPer1000Calls, commitLagP99Ms }: Figures): string {
  const shown = (value: number | undefined) => number(value ?? Number.NaN)
  const rate = `${shown(completed)} calls, ${Math.round(callsPerSecond ?? 0)}/s`
  return `${rate}, ${shown(statementsPer1000Calls)} statements per 1000 calls, lag p99 ${shown(commitLagP99Ms)} ms`
}
