import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { rssMiB } from './cpu.ts'
import type { Member, Program } from './crew.ts'
import { PROCESS, type Run, type Sample } from './figures.ts'
import { runFleets } from './fleet.ts'
import type { LedgerCheck } from './ledger.ts'
import { failuresOf, type Lab, measure, type Measured, problemsOf, warmUpProcess } from './measure.ts'
import { announcementSchema } from './messages.ts'
import type { Options } from './options.ts'
import { fleets } from './scenarios.ts'
import type { Site } from './site.ts'
import { number } from './table.ts'
import { startTarget, type Target } from './targets.ts'
import type { Workshop } from './workshop.ts'

type Bench = Workshop & { readonly options: Options }

const LISTEN_WITHIN_MS = 10_000
const REST_MS = 1000

/** Fresh processes for each repetition; within one, a scenario goes round all targets before the next begins. */
export async function runBench(bench: Bench): Promise<Run> {
  const { lab, upstreamPort } = await openLab(bench)
  const samples: Sample[] = []
  const problems: string[] = []

  for (let repetition = 1; repetition <= bench.options.repeat; repetition++) {
    const dataPath = join(bench.dataPath, String(repetition))
    mkdirSync(dataPath)
    const { crew, searchPath, postgres, options, say } = bench
    const { gatewayPath } = options
    const cores = bench.cores.target
    const site: Site = { crew, cores, upstreamPort, gatewayPath, dataPath, searchPath, postgres }
    const runs = [
      ...(options.scenarios.length === 0 ? [] : [await runRepetition(bench, lab, site, repetition)]),
      ...(postgres !== null && options.hasFleets
        ? [await runFleets(site, lab, postgres, { ...options, repetition, say })]
        : []),
    ]
    samples.push(...runs.flatMap((run) => run.samples))
    problems.push(...runs.flatMap((run) => run.problems))
  }
  return { samples, problems }
}

/** The two ends of all calls. */
export async function openLab(workshop: Workshop): Promise<{ readonly lab: Lab; readonly upstreamPort: number }> {
  const upstream = hireOwn(workshop, 'upstream')
  const { port } = await upstream.nextMessage(announcementSchema, LISTEN_WITHIN_MS)
  return { lab: { upstream, load: hireOwn(workshop, 'load') }, upstreamPort: port }
}

function hireOwn({ crew, cores, searchPath }: Workshop, name: 'upstream' | 'load'): Member {
  const args = [join(import.meta.dirname, `${name}.ts`)]
  const environment: Program['environment'] = { PATH: searchPath, NODE_ENV: 'production' }
  return crew.hire({ name, args, cores: cores.load, environment, hasIpc: true })
}

async function runRepetition(bench: Bench, lab: Lab, site: Site, repetition: number): Promise<Run> {
  const samples: Sample[] = []
  const problems: string[] = []
  const stays: Stay[] = []

  for (const name of bench.options.targets) {
    bench.say(`${repetition}/${bench.options.repeat} start ${name}`)
    const stay = await settleIn(await startTarget(name, site))
    const warmUps = await warmUpProcess(lab, stay.target, bench.options.warmUpSeconds * 3)
    problems.push(...warmUps.flatMap(failuresOf).map((problem) => `${name}, warming up: ${problem}`))
    stays.push(stay)
  }
  for (const scenario of bench.options.scenarios) {
    for (const stay of stays) {
      const { target } = stay
      const measured = await measure(lab, target, scenario, bench.options)
      bench.say(`${repetition}/${bench.options.repeat} ${scenario.name} ${target.name}: ${inShort(measured)}`)
      samples.push({ target: target.name, scenario: scenario.name, repetition, figures: measured.figures })
      const { warmUp, load, ledger } = measured
      problems.push(
        ...problemsOf([warmUp, load], ledger).map((problem) => `${target.name}, ${scenario.name}: ${problem}`),
      )
      remember(stay, measured)
    }
  }
  for (const stay of stays) {
    samples.push({ target: stay.target.name, scenario: PROCESS, repetition, figures: figuresOfStay(stay) })
    await stay.target.process?.member.end()
    await stay.target.ledger?.close()
  }
  return { samples, problems }
}

/** What is true of a target's process over the whole repetition. */
type Stay = { readonly target: Target; readonly restMiB: number | null; peakMiB: number; ledger: LedgerCheck | null }

async function settleIn(target: Target): Promise<Stay> {
  if (target.process !== null) await sleep(REST_MS)
  const restMiB = target.process === null ? null : rssMiB(target.process.member.pid)
  return { target, restMiB, peakMiB: 0, ledger: null }
}

function remember(stay: Stay, { figures, ledger }: Measured): void {
  stay.peakMiB = Math.max(stay.peakMiB, figures.rssPeakMiB ?? 0)
  stay.ledger = ledger
}

function figuresOfStay({ target, restMiB, peakMiB, ledger }: Stay): Sample['figures'] {
  return {
    ...(target.process === null ? {} : { startMs: target.process.startMs, rssPeakMiB: peakMiB }),
    ...(restMiB === null ? {} : { rssAtRestMiB: restMiB }),
    ...(ledger === null ? {} : { ledgerCalls: ledger.calls, ledgerRows: ledger.rows }),
  }
}

function inShort({ figures, load, ledger }: Measured): string {
  const rate = `${Math.round(figures.callsPerSecond ?? 0)}/s`
  const rows = ledger === null ? '' : `, ledger ${ledger.rows} rows of ${ledger.calls} calls`
  const failed = load.failed === 0 ? '' : `, ${load.failed} FAILED: ${load.firstFailure}`
  return `${load.completed} calls, ${rate}, ${number(figures.cpuMsPerCall ?? Number.NaN)} CPU ms${rows}${failed}`
}

export function estimateSeconds(options: Options): number {
  const { targets, repeat, seconds, warmUpSeconds, scenarios: chosen, hasFleets } = options
  const own = chosen.map(({ pace, pacing }) => {
    const { kind } = pace(seconds)
    return kind === 'burst' ? (pacing.gapMs / 1000) * 55 : kind === 'open' ? seconds * 2 : seconds
  })
  const perTarget = own.reduce((sum, each) => sum + each + warmUpSeconds + 0.3, 3 + warmUpSeconds * 6)
  const most = Math.max(...fleets.map(({ processes }) => processes))
  const ofFleets = hasFleets ? fleets.length * (seconds + 0.5) + most * (1 + warmUpSeconds * 3) : 0
  return Math.round(((chosen.length === 0 ? 0 : perTarget * targets.length) + ofFleets) * repeat)
}
