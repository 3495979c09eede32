import { join } from 'node:path'
import { familyCpuMs } from './cpu.ts'
import { createKey, startGateway } from './gateway.ts'
import { type LedgerReader, postgresLedger, sqliteLedger } from './ledger.ts'
import type { TargetName } from './scenarios.ts'
import type { Site } from './site.ts'
import { freePort, originOf, startProcess, type Started } from './start-process.ts'

/** What the load goes to. `direct` has no process: its load goes straight to the upstream. */
export type Target = {
  readonly name: string
  readonly origin: string
  readonly keys: readonly string[]
  readonly process: Started | null
  readonly ledger: LedgerReader | null
  /** What the database's server has spent since it was started. */
  readonly databaseCpuMs: (() => number) | null
}

const NO_KEY = 'tg_0000000000000000000000000000000000000000000000000000'

const starts: Readonly<Record<TargetName, (site: Site) => Promise<Target>>> = {
  direct: startDirect,
  bare: startBare,
  tollgate: startTollgate,
  'tollgate-postgres': startTollgatePostgres,
}

export function startTarget(name: TargetName, site: Site): Promise<Target> {
  return starts[name](site)
}

const noStorage = { keys: [NO_KEY], ledger: null, databaseCpuMs: null } as const

async function startDirect(site: Site): Promise<Target> {
  return { ...noStorage, name: 'direct', origin: originOf(site.upstreamPort), process: null }
}

async function startBare({ crew, cores, upstreamPort, searchPath }: Site): Promise<Target> {
  const port = await freePort()
  const args = [join(import.meta.dirname, 'bare.ts'), originOf(upstreamPort), String(port)]
  const environment = { PATH: searchPath, NODE_ENV: 'production' }
  const process = await startProcess(crew, { name: 'bare', args, cores, environment, hasIpc: true }, port)
  return { ...noStorage, name: 'bare', origin: originOf(port), process }
}

async function startTollgate(site: Site): Promise<Target> {
  const name = 'tollgate'
  const databasePath = join(site.dataPath, 'tollgate.db')
  const home = { name, folder: join(site.dataPath, name), database: { DATABASE_PATH: databasePath } }
  const key = await createKey(site, home)
  const gateway = await startGateway(site, home)
  return { ...gateway, name, keys: [key], ledger: sqliteLedger(databasePath), databaseCpuMs: null }
}

async function startTollgatePostgres(site: Site): Promise<Target> {
  const name = 'tollgate-postgres'
  const { postgres } = site
  if (postgres === null) throw new Error(`${name} needs a PostgreSQL`)
  const url = await postgres.createDatabase()
  const home = { name, folder: join(site.dataPath, name), database: { DATABASE_URL: url } }
  const key = await createKey(site, home)
  const gateway = await startGateway(site, home)
  const databaseCpuMs = () => familyCpuMs(postgres.pid())
  return { ...gateway, name, keys: [key], ledger: await postgresLedger(url), databaseCpuMs }
}
