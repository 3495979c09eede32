import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PostgresServer } from '../test/support/postgres.ts'
import { chooseCores, type Cores, pinThisProcess } from './cores.ts'
import { createCrew, type Crew } from './crew.ts'
import { startDatabaseServer } from './database-server.ts'
import { defaultGatewayPath } from './options.ts'

export const EXIT = { measured: 0, failed: 1, wrongUsage: 2, interrupted: 130 } as const

/** What a benchmark works with. */
export type Workshop = {
  readonly crew: Crew
  readonly cores: Cores
  /** What the figures are of: machine and build. */
  readonly note: string
  readonly dataPath: string
  readonly searchPath: string
  /** Null where nothing needs one. */
  readonly postgres: PostgresServer | null
  readonly say: (line: string) => void
  /** Writes what was measured where it can be looked up. */
  readonly keep: (results: object) => Promise<void>
}

type Plan = {
  readonly name: string
  readonly gatewayPath: string
  readonly needsPostgres: boolean
  readonly seconds: number
  /** Answers what went wrong, in sentences. */
  readonly work: (workshop: Workshop) => Promise<readonly string[]>
}

/** Somewhere to measure, which is cleared away however the work ends. Answers the status to exit with. */
export async function inWorkshop({ name, gatewayPath, needsPostgres, seconds, work }: Plan): Promise<number> {
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

  const note = `${cores.note}\nGateway: ${gatewayPath === defaultGatewayPath ? 'this build' : gatewayPath}.`
  console.error(`${note}\nAbout ${seconds} s.`)
  pinThisProcess(cores.load)
  const keep = async (results: object): Promise<void> => {
    console.error(`\nWritten to ${await write(name, startedAt, { startedAt, machine: note, ...results })}`)
  }
  try {
    const searchPath = process.env['PATH'] ?? '/usr/bin:/bin'
    // Behind the pinning: it shares the core of the load, so that its work does not stand in the target's way.
    if (needsPostgres) postgres = await startDatabaseServer()
    const problems = await work({ crew, cores, note, dataPath, searchPath, postgres, say: sayProgress, keep })
    for (const problem of problems) console.error(`FAILED: ${problem}`)
    return problems.length === 0 ? EXIT.measured : EXIT.failed
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

async function write(name: string, startedAt: Date, results: object): Promise<string> {
  const folder = join(import.meta.dirname, 'results')
  const path = join(folder, `${startedAt.toISOString().replaceAll(':', '-')}-${name}.json`)
  await mkdir(folder, { recursive: true })
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`)
  return path
}
