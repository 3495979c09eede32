import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { cpuMs, familyCpuMs, rssMiB } from '../cpu.ts'
import { type GatewayHome, startGateway } from '../gateway.ts'
import { decide } from '../limit.ts'
import { openDatabase } from '../open-database.ts'
import { needsPostgres, type Options } from '../options.ts'
import { number, table } from '../table.ts'
import { inWorkshop, type Workshop } from '../workshop.ts'
import { type Answer, askQuestions } from './ask-questions.ts'
import { fillLedger, makePopulation } from './fill-ledger.ts'
import { questions } from './questions.ts'

type Asked = {
  readonly engine: string
  readonly fillSeconds: number
  readonly rssMiB: number
  readonly answers: readonly Answer[]
}

/** Nothing is sent upstream. */
const NO_PORT = 1
/** For an entry, on either engine. */
const FILL_MS = 0.1

/** How long a full ledger is searched, on each engine, through the gateway. */
export function benchLogs(options: Options): Promise<number> {
  const { gatewayPath, targets, entries } = options
  const engines = targets.filter((name) => name === 'tollgate' || name === 'tollgate-postgres')
  return inWorkshop({
    name: 'logs',
    gatewayPath,
    needsPostgres: needsPostgres(options),
    seconds: Math.round(engines.length * ((entries * FILL_MS) / 1000 + (questions.length * options.seconds) / 2)),
    async work(workshop) {
      const all: Asked[] = []
      for (const name of engines) all.push(await askEngine(workshop, options, name))
      console.log(reportOf(all, workshop.note, entries))
      await workshop.keep({ entries, all })
      return []
    },
  })
}

async function askEngine(workshop: Workshop, options: Options, name: 'tollgate' | 'tollgate-postgres'): Promise<Asked> {
  const { crew, cores, dataPath, searchPath, postgres } = workshop
  const { gatewayPath, entries: count, seconds } = options
  const engine = name === 'tollgate' ? 'SQLite' : 'PostgreSQL'
  const say = (line: string) => workshop.say(`${engine}: ${line}`)
  const adminKey = `tg_${randomBytes(26).toString('hex')}`
  const home: GatewayHome = {
    name,
    folder: join(dataPath, name),
    database:
      name === 'tollgate'
        ? { DATABASE_PATH: join(dataPath, 'logs.db') }
        : { DATABASE_URL: (await postgres?.createDatabase()) ?? '' },
    more: { ADMIN_API_KEY: adminKey },
  }
  const startedAt = performance.now()
  const now = Date.now()
  const database = await openDatabase(home.database)
  const population = await makePopulation(database)
  await fillLedger({ home: home.database, database, keyIds: population.keyIds, count, now, say })
  await database.close()
  const fillSeconds = (performance.now() - startedAt) / 1000

  const site = { crew, cores: cores.target, upstreamPort: NO_PORT, gatewayPath, dataPath, searchPath, postgres }
  const { origin, process } = await startGateway(site, home)
  const cpu = () => cpuMs(process.member.pid) + (name === 'tollgate' ? 0 : familyCpuMs(postgres?.pid()))
  const answers = await askQuestions({
    origin,
    adminKey,
    ledger: { ...population, count, now },
    seconds,
    cpuMs: cpu,
    say,
  })
  const rss = rssMiB(process.member.pid)
  await process.member.end()
  return { engine, fillSeconds, rssMiB: rss, answers }
}

function reportOf(all: readonly Asked[], note: string, entries: number): string {
  const filled = all.map(({ engine, fillSeconds, rssMiB: rss }) => [
    engine,
    number(fillSeconds),
    number(entries / fillSeconds),
    number(rss),
  ])
  return [
    `# Logs: ${entries.toLocaleString('en')} entries\n\n${note}\nOne caller; times are those of whole answers. After each question the gateway is asked for nothing: what that takes\nis the machine's. CPU is the gateway's and the database's.`,
    table(['engine', 'filled in s', 'entries/s', 'RSS of the gateway, MiB'], filled),
    ...all.map(({ engine, answers }) => `## ${engine}\n\n${answersTable(answers)}`),
  ].join('\n\n')
}

function answersTable(answers: readonly Answer[]): string {
  const rows = answers.map(({ what, ms, nothingP99Ms, cpuMs: cpu, asked, medianBytes }) => {
    const limit = questions.find((question) => question.what === what)?.limit ?? null
    const { target, verdict } = decide(limit, { value: ms.p99, ratio: Number.NaN, difference: Number.NaN }, '')
    const shown = [ms.p50, ms.p99, nothingP99Ms, cpu, medianBytes / 1000, asked].map(number)
    return [what, ...shown, target, verdict]
  })
  return table(['question', 'p50 ms', 'p99 ms', 'p99 of nothing', 'CPU ms', 'kB', 'asked', 'p99 target', ''], rows)
}
