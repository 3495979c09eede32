import { type Figure, medianOf, paired, PROCESS, type Sample } from './figures.ts'
import { judge, verdictTable } from './goals.ts'
import { median } from './quantile.ts'
import { type Scenario, type TargetName, targetNames } from './scenarios.ts'
import { number, table } from './table.ts'

type Column = readonly [heading: string, figure: Figure]

const columns: Readonly<Record<Scenario['group'], readonly Column[]>> = {
  calls: [
    ['calls/s', 'callsPerSecond'],
    ['p50 ms', 'wholeP50Ms'],
    ['p99 ms', 'wholeP99Ms'],
    ['CPU ms/call', 'cpuMsPerCall'],
    ['RSS peak MiB', 'rssPeakMiB'],
    ['failed', 'failed'],
  ],
  latency: [
    ['calls/s', 'callsPerSecond'],
    ['p50 ms', 'wholeP50Ms'],
    ['p99 ms', 'wholeP99Ms'],
    ['CPU ms/call', 'cpuMsPerCall'],
    ['failed', 'failed'],
  ],
  streams: [
    ['streams/s', 'callsPerSecond'],
    ['events/s', 'eventsPerSecond'],
    ['first byte p50 ms', 'firstByteP50Ms'],
    ['p99 ms', 'firstByteP99Ms'],
    ['CPU ms/stream', 'cpuMsPerCall'],
    ['RSS peak MiB', 'rssPeakMiB'],
    ['failed', 'failed'],
  ],
  slow: [
    ['completed', 'completed'],
    ['first byte p50 ms', 'firstByteP50Ms'],
    ['p99 ms', 'firstByteP99Ms'],
    ['whole p99 ms', 'wholeP99Ms'],
    ['CPU ms/stream', 'cpuMsPerCall'],
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

export function report(samples: readonly Sample[], scenarios: readonly Scenario[], note: string): string {
  const names = targetNames.filter((name) => samples.some((sample) => sample.target === name))
  const repetitions = new Set(samples.map((sample) => sample.repetition)).size
  const verdicts = judge(samples)
  return [
    `# Benchmark\n\n${note}\nMedians of ${repetitions}; ratios and differences are taken within a repetition first.`,
    ...scenarios.map((scenario) => section(samples, names, scenario)),
    `## Processes\n\n${rows(samples, names, PROCESS, processColumns)}`,
    ...(verdicts.length === 0 ? [] : [`## Targets (ledger on SQLite)\n\n${verdictTable(verdicts)}`]),
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

function addedLatency(samples: readonly Sample[], names: readonly TargetName[], scenario: string): string {
  const added = (name: TargetName, other: TargetName, figure: Figure) =>
    number(median(paired(samples, [name, other], scenario, figure, (value, otherValue) => value - otherValue)))
  const pairs = names.flatMap((name, at) => names.slice(0, at).map((other) => [name, other] as const))
  const row = ([name, other]: readonly [TargetName, TargetName]) => {
    return [`${name} over ${other}`, added(name, other, 'wholeP50Ms'), added(name, other, 'wholeP99Ms')]
  }
  return table(['added', 'p50 ms', 'p99 ms'], pairs.map(row))
}
