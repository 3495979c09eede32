import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PostgresServer } from '../test/support/postgres.ts'
import { chooseCores, pinThisProcess } from './cores.ts'
import { createCrew } from './crew.ts'
import { needsPostgres, startDatabaseServer, whyNoPostgres, withoutPostgres } from './database-server.ts'
import type { Run } from './figures.ts'
import { judge } from './goals.ts'
import { defaultGatewayPath, help, isEmpty, type Options, readOptions } from './options.ts'
import { report } from './report.ts'
import { estimateSeconds, runBench } from './run.ts'

const EXIT = { measured: 0, failed: 1, wrongUsage: 2, interrupted: 130 } as const

const wish = readOptions(process.argv.slice(2))
switch (wish.kind) {
  case 'help':
    console.log(help)
    break
  case 'wrong':
    console.error(`${wish.problem}\n\n${help}`)
    process.exitCode = EXIT.wrongUsage
    break
  case 'run':
    process.exitCode = await benchWhatIsPossible(wish.options)
    break
}

/** On a machine without PostgreSQL the rest is measured. */
async function benchWhatIsPossible(options: Options): Promise<number> {
  const reason = needsPostgres(options) ? whyNoPostgres() : null
  if (reason === null) return bench(options)
  console.error(`What needs PostgreSQL is left out: ${reason}`)
  const rest = withoutPostgres(options)
  return isEmpty(rest) ? EXIT.failed : bench(rest)
}

async function bench(options: Options): Promise<number> {
  if (!existsSync('/proc/self/stat')) {
    console.error('The benchmark reads CPU time and memory from /proc, which only Linux has.')
    return EXIT.failed
  }
  const cores = chooseCores()
  const startedAt = new Date()
  const crew = createCrew()
  const dataPath = await mkdtemp(join(tmpdir(), 'tollgate-bench-'))
  let postgres: PostgresServer | null = null
  const cleanUp = async () => {
    await crew.dismissAll()
    await postgres?.close()
    await rm(dataPath, { recursive: true, force: true })
  }
  let isInterrupted = false
  const interrupt = () => {
    isInterrupted = true
    void cleanUp().finally(() => process.exit(EXIT.interrupted))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt)

  const note = `${cores.note}\nGateway: ${options.gatewayPath === defaultGatewayPath ? 'this build' : options.gatewayPath}.`
  console.error(`${note}\nAbout ${estimateSeconds(options)} s.`)
  pinThisProcess(cores.load)
  try {
    const searchPath = process.env['PATH'] ?? '/usr/bin:/bin'
    // Behind the pinning: it shares the core of the load, so that its work does not stand in the target's way.
    if (needsPostgres(options)) postgres = await startDatabaseServer()
    const run = await runBench({ crew, cores, options, dataPath, searchPath, postgres, say: sayProgress })
    console.log(report(run.samples, options, note))
    console.error(`\nWritten to ${await writeResults(run, options, note, startedAt)}`)
    for (const problem of run.problems) console.error(`FAILED: ${problem}`)
    return run.problems.length === 0 ? EXIT.measured : EXIT.failed
  } catch (error) {
    // The children that were ended are missed by whoever waits for them.
    if (!isInterrupted) console.error(error)
    return isInterrupted ? EXIT.interrupted : EXIT.failed
  } finally {
    await cleanUp()
  }
}

function sayProgress(line: string): void {
  console.error(line)
}

async function writeResults(run: Run, options: Options, machine: string, startedAt: Date): Promise<string> {
  const folder = join(import.meta.dirname, 'results')
  const path = join(folder, `${startedAt.toISOString().replaceAll(':', '-')}.json`)
  const { repeat, seconds, warmUpSeconds } = options
  const results = { startedAt, machine, repeat, seconds, warmUpSeconds, ...run, verdicts: judge(run.samples) }
  await mkdir(folder, { recursive: true })
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`)
  return path
}
