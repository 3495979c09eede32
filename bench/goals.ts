import { type Figure, medianOf, paired, PROCESS, type Sample } from './figures.ts'
import { median } from './quantile.ts'
import { fleets, type Scenario, scenarios, SLOW_STREAMS } from './scenarios.ts'
import { decide, type Limit } from './limit.ts'
import { number, table } from './table.ts'

/** The targets of the design, section 11. */
export type Goal = {
  readonly scenario: string
  readonly figure: Figure
  readonly what: string
  readonly limit: Limit | null
}

export type Verdict = {
  readonly what: string
  readonly value: number
  readonly yardstick: number
  readonly ratios: readonly number[]
  readonly target: string
  readonly verdict: string
}

/** What is asked of a target, and what it is compared with. */
export type Contest = {
  readonly title: string
  readonly target: string
  readonly yardstick: string | null
  readonly goals: readonly Goal[]
}

export type Judgement = Pick<Contest, 'title' | 'target' | 'yardstick'> & { readonly verdicts: readonly Verdict[] }

type Aim = readonly [figure: Figure, what: string, limit?: Limit]

const aims: Readonly<Record<Scenario['group'], readonly Aim[]>> = {
  calls: [
    ['callsPerSecond', 'calls/s'],
    ['cpuMsPerCall', 'CPU ms/call', { of: 'ratio', atMost: 1.5 }],
    ['wholeP99Ms', 'p99 ms'],
  ],
  latency: [
    ['wholeP50Ms', 'p50 ms', { of: 'difference', below: 0.5 }],
    ['wholeP99Ms', 'p99 ms', { of: 'difference', below: 3 }],
  ],
  streams: [
    ['callsPerSecond', 'streams/s'],
    ['cpuMsPerCall', 'CPU ms/stream', { of: 'ratio', atMost: 1.15 }],
    ['firstByteP99Ms', 'first byte p99 ms'],
  ],
  slow: [
    ['completed', 'streams completed', { of: 'value', exactly: SLOW_STREAMS }],
    ['cpuMsPerCall', 'CPU ms/stream', { of: 'ratio', atMost: 1.15 }],
    ['firstByteP99Ms', 'first byte p99 ms', { of: 'value', below: 200 }],
    ['rssPeakMiB', 'RSS peak MiB', { of: 'value', below: 300 }],
  ],
}

const processAims: readonly Aim[] = [
  ['startMs', 'start to first 200, ms', { of: 'value', below: 1000 }],
  ['rssAtRestMiB', 'RSS at rest MiB', { of: 'value', below: 120 }],
  ['rssPeakMiB', 'RSS peak of all MiB'],
]

const DATABASE_CPU: Aim = ['databaseCpuMsPerCall', 'PostgreSQL CPU ms/call', { of: 'value', below: 0.05 }]

/** No call is to be slower than with SQLite. */
const aimsBesideSqlite: Readonly<Record<Scenario['group'], readonly Aim[]>> = {
  calls: [
    ['cpuMsPerCall', 'CPU ms/call', { of: 'ratio', atMost: 1 }],
    ['wholeP50Ms', 'p50 ms'],
    ['wholeP99Ms', 'p99 ms'],
  ],
  latency: [
    ['wholeP50Ms', 'p50 ms'],
    ['wholeP99Ms', 'p99 ms'],
  ],
  streams: [['cpuMsPerCall', 'CPU ms/stream', { of: 'ratio', atMost: 1 }]],
  slow: [],
}

const COMMIT_LAG: Aim = ['commitLagP99Ms', 'commit lag p99 ms', { of: 'value', below: 250 }]

/** Polls and pings cost the same however few calls there are, so that what is counted per call has one rate. */
const fleetAims: readonly Aim[] = [
  ['statementsPer1000Calls', 'statements per 1000 calls', { of: 'value', atMost: 25 }],
  DATABASE_CPU,
  COMMIT_LAG,
]
const RATE_OF_THE_BUDGET = 500

function goalsOf(ofGroup: Readonly<Record<Scenario['group'], readonly Aim[]>>): Goal[] {
  return scenarios.flatMap(({ name, group }) => ofGroup[group].map((aim) => goalOf(name, `${name}: `, aim)))
}

const goals: readonly Goal[] = [...goalsOf(aims), ...processAims.map((aim) => goalOf(PROCESS, '', aim))]

const goalsOnPostgres: readonly Goal[] = [
  ...goals,
  ...goalsOf({ calls: [DATABASE_CPU], latency: [], streams: [DATABASE_CPU], slow: [] }),
]

const goalsOfFleets: readonly Goal[] = fleets.flatMap(({ name, perSecondEach }) =>
  (perSecondEach === RATE_OF_THE_BUDGET ? fleetAims : [COMMIT_LAG]).map((aim) => goalOf(name, `${name}: `, aim)),
)

const contests: readonly Contest[] = [
  { title: 'ledger on SQLite', target: 'tollgate', yardstick: 'bare', goals },
  { title: 'ledger on PostgreSQL', target: 'tollgate-postgres', yardstick: 'bare', goals: goalsOnPostgres },
  {
    title: 'PostgreSQL beside SQLite',
    target: 'tollgate-postgres',
    yardstick: 'tollgate',
    goals: goalsOf(aimsBesideSqlite),
  },
  {
    title: 'several processes on one PostgreSQL',
    target: 'tollgate-postgres',
    yardstick: null,
    goals: goalsOfFleets,
  },
]

function goalOf(scenario: string, prefix: string, [figure, what, limit]: Aim): Goal {
  return { scenario, figure, what: `${prefix}${what}`, limit: limit ?? null }
}

/** Of every contest that took place. */
export function judge(samples: readonly Sample[], held: readonly Contest[] = contests): Judgement[] {
  return held
    .map((contest) => ({ ...contest, verdicts: verdictsOf(samples, contest) }))
    .filter(({ verdicts }) => verdicts.length > 0)
}

/** Without what was not measured, and without comparisons with what was not. */
function verdictsOf(samples: readonly Sample[], contest: Contest): Verdict[] {
  return contest.goals
    .filter(({ limit }) => limit?.of === 'value' || hasRun(samples, contest.yardstick))
    .map((goal) => judgeGoal(samples, contest, goal))
    .filter(({ value }) => !Number.isNaN(value))
}

function hasRun(samples: readonly Sample[], name: string | null): boolean {
  return samples.some(({ target }) => target === name)
}

function judgeGoal(samples: readonly Sample[], contest: Contest, { scenario, figure, what, limit }: Goal): Verdict {
  const { target, yardstick } = contest
  const value = medianOf(samples, target, scenario, figure)
  if (yardstick === null) {
    const compared = { ratio: Number.NaN, difference: Number.NaN, value }
    return { what, value, yardstick: Number.NaN, ratios: [], ...decide(limit, compared, '') }
  }
  const compare = (combine: (own: number, other: number) => number) =>
    paired(samples, [target, yardstick], scenario, figure, combine)
  const ratios = compare((own, other) => own / other)
  const difference = median(compare((own, other) => own - other))
  const compared = { ratio: median(ratios), difference, value }
  const other = medianOf(samples, yardstick, scenario, figure)
  return { what, value, yardstick: other, ratios, ...decide(limit, compared, yardstick) }
}

export function verdictTable({ target: name, yardstick, verdicts }: Judgement): string {
  if (yardstick === null) {
    const rows = verdicts.map(({ what, value, target, verdict }) => [what, number(value), target, verdict])
    return table(['figure', name, 'target', ''], rows)
  }
  const rows = verdicts.map(({ what, value, yardstick: other, ratios, target, verdict }) => {
    return [what, number(other), number(value), withRange(ratios), target, verdict]
  })
  return table(['figure', yardstick, name, `${name}/${yardstick}`, 'target', ''], rows)
}

/** A median whose repetitions lie far apart says that the machine was busy, not that the gateway is slow. */
function withRange(ratios: readonly number[]): string {
  if (ratios.length < 2) return number(median(ratios))
  return `${number(median(ratios))} (${number(Math.min(...ratios))} to ${number(Math.max(...ratios))})`
}
