import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { rssMiB } from '../cpu.ts'
import { PROCESS, type Run, type Sample } from '../figures.ts'
import { startGateway } from '../gateway.ts'
import { type Contest, judge, verdictTable } from '../goals.ts'
import { sqliteLedger } from '../ledger.ts'
import { type Lab, loadWith, measure, problemsOf } from '../measure.ts'
import type { Options } from '../options.ts'
import { median } from '../quantile.ts'
import { openLab } from '../run.ts'
import { atOnce, closedLoop, type Scenario } from '../scenarios.ts'
import type { Site } from '../site.ts'
import { originOf } from '../start-process.ts'
import { number, table } from '../table.ts'
import type { Target } from '../targets.ts'
import { inWorkshop, type Workshop } from '../workshop.ts'
import { changeChannels } from './change-channels.ts'
import { type InProcess, measureInProcess } from './in-process.ts'
import { makeHome, type RoutingHome, type Size } from './routing-home.ts'

const FEW: Size = { name: 'few', channels: 1, keys: 10 }
/** The same once more: how far it is from itself is what the machine does. */
const AGAIN: Size = { ...FEW, name: 'few again' }
const MANY: Size = { name: 'many', channels: 200, keys: 10_000 }
const sizes: readonly Size[] = [FEW, AGAIN, MANY]

const calls = { api: 'messages', promptBytes: 1024, isStream: false, pacing: atOnce } as const
const rate: Scenario = {
  ...calls,
  group: 'latency',
  name: 'rate',
  title: '100 calls a second',
  pace: (seconds) => ({ kind: 'open', connections: 100, seconds: seconds * 2, perSecond: 100 }),
}
const CHANGING = 'while channels change'
const scenarios: readonly Scenario[] = [
  { ...calls, group: 'calls', name: 'calls', title: 'as many calls as it takes', pace: closedLoop },
  rate,
  { ...rate, name: CHANGING, title: `${rate.title}, and a change of a channel every 500 ms` },
]

const goals: Contest['goals'] = [
  { scenario: 'calls', figure: 'cpuMsPerCall', what: 'calls: CPU ms/call', limit: null },
  { scenario: 'rate', figure: 'wholeP50Ms', what: 'rate: p50 ms', limit: { of: 'difference', below: 0.1 } },
  { scenario: 'rate', figure: 'wholeP99Ms', what: 'rate: p99 ms', limit: null },
  { scenario: 'rate', figure: 'cpuMsPerCall', what: 'rate: CPU ms/call', limit: null },
  { scenario: CHANGING, figure: 'wholeP50Ms', what: `${CHANGING}: p50 ms`, limit: null },
  { scenario: CHANGING, figure: 'wholeP99Ms', what: `${CHANGING}: p99 ms`, limit: null },
  { scenario: PROCESS, figure: 'startMs', what: 'start to first 200, ms', limit: null },
  { scenario: PROCESS, figure: 'rssAtRestMiB', what: 'RSS when every key has called, MiB', limit: null },
]
const contests: readonly Contest[] = [
  { title: `${MANY.channels} channels and ${MANY.keys} keys`, target: MANY.name, yardstick: FEW.name, goals },
  {
    title: 'what the machine does',
    target: AGAIN.name,
    yardstick: FEW.name,
    goals: goals.map((goal) => ({ ...goal, limit: null })),
  },
]

/** What many channels and keys add to a call, through real sockets and without. */
export function benchRouting(options: Options): Promise<number> {
  const { gatewayPath, repeat, seconds } = options
  return inWorkshop({
    name: 'routing',
    gatewayPath,
    needsPostgres: false,
    seconds: Math.round(repeat * sizes.length * (seconds * 6 + 8)),
    async work(workshop) {
      const { lab, upstreamPort } = await openLab(workshop)
      const samples: Sample[] = []
      const problems: string[] = []
      const inProcess: InProcessOf[] = []
      for (let repetition = 1; repetition <= repeat; repetition++) {
        const run = await runRepetition(workshop, options, lab, upstreamPort, repetition)
        samples.push(...run.samples)
        problems.push(...run.problems)
        inProcess.push(...run.inProcess)
      }
      const judgements = judge(samples, contests)
      console.log(reportOf(judgements, inProcess, workshop.note))
      await workshop.keep({ repeat, seconds, samples, problems, inProcess, verdicts: judgements })
      return problems
    },
  })
}

type InProcessOf = InProcess & { readonly name: string }
type Stay = { readonly target: Target; readonly made: RoutingHome; readonly restMiB: number }

async function runRepetition(
  { crew, cores, dataPath: allData, searchPath, say }: Workshop,
  options: Options,
  lab: Lab,
  upstreamPort: number,
  repetition: number,
): Promise<Run & { readonly inProcess: readonly InProcessOf[] }> {
  const { gatewayPath } = options
  const dataPath = join(allData, String(repetition))
  mkdirSync(dataPath)
  const site: Site = { crew, cores: cores.target, upstreamPort, gatewayPath, dataPath, searchPath, postgres: null }
  const samples: Sample[] = []
  const problems: string[] = []
  const inProcess: InProcessOf[] = []
  const stays: Stay[] = []
  for (const size of sizes) {
    const made = await makeHome(size, dataPath, originOf(upstreamPort))
    inProcess.push({ name: size.name, ...(await measureInProcess(made)) })
    stays.push(await settleIn(site, lab, size, made, problems))
    say(`${repetition}/${options.repeat} started ${size.name}`)
  }
  for (const scenario of scenarios) {
    for (const { target, made } of stays) {
      const changes = scenario.name === CHANGING ? changeChannels(target.origin, made) : null
      const { figures, load, ledger } = await measure(lab, target, scenario, options)
      await changes?.stop()
      samples.push({ target: target.name, scenario: scenario.name, repetition, figures })
      problems.push(...problemsOf([load], ledger).map((problem) => `${target.name}, ${scenario.name}: ${problem}`))
      say(`${repetition}/${options.repeat} ${scenario.name}, ${target.name}: p50 ${number(load.wholeMs.p50)} ms`)
    }
  }
  for (const { target, restMiB } of stays) {
    const startMs = target.process?.startMs ?? Number.NaN
    samples.push({ target: target.name, scenario: PROCESS, repetition, figures: { startMs, rssAtRestMiB: restMiB } })
    await target.process?.member.end()
    await target.ledger?.close()
  }
  return { samples, problems, inProcess }
}

/** Every key calls, so that each is in memory, and often enough for what is hot to be compiled. */
async function settleIn(site: Site, lab: Lab, size: Size, made: RoutingHome, problems: string[]): Promise<Stay> {
  const gateway = await startGateway(site, made.home)
  const ledger = sqliteLedger(made.home.database.DATABASE_PATH)
  const target: Target = { ...gateway, name: size.name, keys: made.keys, ledger, databaseCpuMs: null }
  for (let completed = 0; completed < MANY.keys;) {
    const door = { origins: [target.origin], keys: rotated(made.keys, completed) }
    const load = await loadWith(lab, door, { ...calls, pace: closedLoop }, 2)
    await ledger.awaitMore(load.completed)
    problems.push(...problemsOf([load], null).map((problem) => `${size.name}, warming up: ${problem}`))
    if (load.completed === 0) break
    completed += load.completed
  }
  return { target, made, restMiB: rssMiB(gateway.process.member.pid) }
}

function rotated(keys: readonly string[], by: number): readonly string[] {
  const at = by % keys.length
  return [...keys.slice(at), ...keys.slice(0, at)]
}

const inProcessRows = [
  ['choice of channel and key, CPU ns', 'choiceNs'],
  ['reading all channels again, ms', 'reloadChannelsMs'],
  ['reading all keys again, ms', 'reloadKeysMs'],
] as const

function reportOf(judgements: ReturnType<typeof judge>, inProcess: readonly InProcessOf[], note: string): string {
  const ofSize = ({ name }: Size, figure: keyof InProcess) =>
    median(inProcess.filter((one) => one.name === name).map((one) => one[figure]))
  const rows = inProcessRows.map(([what, figure]) => [what, ...sizes.map((size) => number(ofSize(size, figure)))])
  return [
    `# Routing\n\n${note}\nMedians; ratios and differences are taken within a repetition first.`,
    ...judgements.map((judgement) => `## ${judgement.title}\n\n${verdictTable(judgement)}`),
    `## In process\n\n${table(['figure', ...sizes.map(({ name }) => name)], rows)}`,
  ].join('\n\n')
}
