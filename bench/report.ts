import { type Figure, medianOf, paired, PROCESS, type Sample } from './figures.ts'
import { judge, verdictTable } from './goals.ts'
import { median } from './quantile.ts'
import type { Options } from './options.ts'
import { fleets, type Scenario, type TargetName, targetNames } from './scenarios.ts'
import { number, table } from './table.ts'

type Column = readonly [heading: string, figure: Figure]

const columns: Readonly<Record<Scenario['group'], readonly Column[]>> = {
  calls: [
    ['calls/s', 'callsPerSecond'],
    ['p50 ms', 'wholeP50Ms'],
    ['p99 ms', 'wholeP99Ms'],
    ['CPU ms/call', 'cpuMsPerCall'],
    ['of PostgreSQL', 'databaseCpuMsPerCall'],
    ['RSS peak MiB', 'rssPeakMiB'],
    ['failed', 'failed'],
  ],
  latency: [
    ['calls/s', 'callsPerSecond'],
    ['p50 ms', 'wholeP50Ms'],
    ['p99 ms', 'wholeP99Ms'],
    ['CPU ms/call', 'cpuMsPerCall'],
    ['of PostgreSQL', 'databaseCpuMsPerCall'],
    ['failed', 'failed'],
  ],
  streams: [
    ['streams/s', 'callsPerSecond'],
    ['events/s', 'eventsPerSecond'],
    ['first byte p50 ms', 'firstByteP50Ms'],
    ['p99 ms', 'firstByteP99Ms'],
    ['CPU ms/stream', 'cpuMsPerCall'],
    ['of PostgreSQL', 'databaseCpuMsPerCall'],
    ['RSS peak MiB', 'rssPeakMiB'],
    ['failed', 'failed'],
  ],
  slow: [
    ['completed', 'completed'],
    ['first byte p50 ms', 'firstByteP50Ms'],
    ['p99 ms', 'firstByteP99Ms'],
    ['whole p99 ms', 'wholeP99Ms'],
    ['CPU ms/stream', 'cpuMsPerCall'],
    ['of PostgreSQL', 'databaseCpuMsPerCall'],
    ['RSS peak MiB', 'rssPeakMiB'],
    ['failed', 'failed'],
  ],
}

const processColumns: readonly Column[] = [
  ['start to first 200, ms', 'startMs'],
  ['RSS at rest MiB', 'rssAtRestMiB'],
  ['RSS peak of all MiB', 'rssPeakMiB'],
  ['calls completed', 'ledgerCalls'],
  ['rows in the ledger', 'ledgerRows'],
]

const fleetColumns: readonly Column[] = [
  ['calls', 'completed'],
  ['calls/s', 'callsPerSecond'],
  ['p50 ms', 'wholeP50Ms'],
  ['p99 ms', 'wholeP99Ms'],
  ['CPU ms/call', 'cpuMsPerCall'],
  ['of PostgreSQL', 'databaseCpuMsPerCall'],
  ['statements per 1000 calls', 'statementsPer1000Calls'],
  ['commit lag p50 ms', 'commitLagP50Ms'],
  ['p99 ms', 'commitLagP99Ms'],
  ['failed', 'failed'],
]

export function report(samples: readonly Sample[], { scenarios, hasFleets }: Options, note: string): string {
  const names = targetNames.filter((name) => samples.some((sample) => sample.target === name))
  const repetitions = new Set(samples.map((sample) => sample.repetition)).size
  return [
    `# Benchmark\n\n${note}\nMedians of ${repetitions}; ratios and differences are taken within a repetition first.`,
    ...scenarios.map((scenario) => section(samples, names, scenario)),
    ...(scenarios.length === 0 ? [] : [`## Processes\n\n${rows(samples, names, PROCESS, processColumns)}`]),
    ...(hasFleets ? [`## Fleets: processes on one PostgreSQL\n\n${fleetRows(samples)}`] : []),
    ...judge(samples).map((judgement) => `## Targets (${judgement.title})\n\n${verdictTable(judgement)}`),
  ].join('\n\n')
}

function section(samples: readonly Sample[], names: readonly TargetName[], { name, title, group }: Scenario): string {
  const added = group === 'latency' ? `\n\n${addedLatency(samples, names, name)}` : ''
  return `## ${name}: ${title}\n\n${rows(samples, names, name, columns[group])}${added}`
}

function rows(samples: readonly Sample[], names: readonly TargetName[], scenario: string, shown: readonly Column[]) {
  const row = (name: TargetName) => shown.map(([, figure]) => number(medianOf(samples, name, scenario, figure)))
  const headings = ['target', ...shown.map(([heading]) => heading)]
  return table(
    headings,
    names.map((name) => [name, ...row(name)]),
  )
}

/** Statements are those of the process that sent most of them. */
function fleetRows(samples: readonly Sample[]): string {
  const row = (name: string) =>
    fleetColumns.map(([, figure]) => number(medianOf(samples, 'tollgate-postgres', name, figure)))
  return table(
    ['fleet', ...fleetColumns.map(([heading]) => heading)],
    fleets.map(({ name }) => [name, ...row(name)]),
  )
}

function addedLatency(samples: readonly Sample[], names: readonly TargetName[], scenario: string): string {
  const added = (name: TargetName, other: TargetName, figure: Figure) =>
    number(median(paired(samples, [name, other], scenario, figure, (value, otherValue) => value - otherValue)))
  const pairs = names.flatMap((name, at) => names.slice(0, at).map((other) => [name, other] as const))
  const row = ([name, other]: readonly [TargetName, TargetName]) => {
    return [`${name} over ${other}`, added(name, other, 'wholeP50Ms'), added(name, other, 'wholeP99Ms')]
  }
  return table(['added', 'p50 ms', 'p99 ms'], pairs.map(row))
}
