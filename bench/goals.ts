import { type Figure, medianOf, paired, PROCESS, type Sample } from './figures.ts'
import { median } from './quantile.ts'
import { scenarios, SLOW_STREAMS, type Scenario } from './scenarios.ts'
import { number, table } from './table.ts'

/** The targets of the design, section 11. A figure without a limit is shown for comparison only. */
type Limit =
  | { readonly of: 'ratio'; readonly atMost: number }
  | { readonly of: 'difference' | 'value'; readonly below: number }
  | { readonly of: 'value'; readonly exactly: number }

type Goal = { readonly scenario: string; readonly figure: Figure; readonly what: string; readonly limit: Limit | null }

export type Verdict = {
  readonly what: string
  readonly bare: number
  readonly tollgate: number
  readonly ratios: readonly number[]
  readonly target: string
  readonly verdict: string
}

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

const goals: readonly Goal[] = [
  ...scenarios.flatMap(({ name, group }) => aims[group].map((aim) => goalOf(name, `${name}: `, aim))),
  ...processAims.map((aim) => goalOf(PROCESS, '', aim)),
]

function goalOf(scenario: string, prefix: string, [figure, what, limit]: Aim): Goal {
  return { scenario, figure, what: `${prefix}${what}`, limit: limit ?? null }
}

export function judge(samples: readonly Sample[]): Verdict[] {
  const judged = goals.map((goal) => judgeGoal(samples, goal))
  return judged.filter(({ tollgate }) => !Number.isNaN(tollgate))
}

function judgeGoal(samples: readonly Sample[], { scenario, figure, what, limit }: Goal): Verdict {
  const tollgate = medianOf(samples, 'tollgate', scenario, figure)
  const bare = medianOf(samples, 'bare', scenario, figure)
  const compare = (combine: (value: number, bareValue: number) => number) =>
    paired(samples, ['tollgate', 'bare'], scenario, figure, combine)
  const ratios = compare((value, bareValue) => value / bareValue)
  const difference = median(compare((value, bareValue) => value - bareValue))
  const decided =
    limit === null ? { target: '', verdict: '' } : decide(limit, { ratio: median(ratios), difference, value: tollgate })
  return { what, bare, tollgate, ratios, ...decided }
}

type Compared = { readonly ratio: number; readonly difference: number; readonly value: number }

function decide(limit: Limit, compared: Compared): { target: string; verdict: string } {
  const value = compared[limit.of]
  const say = (isMet: boolean) => (Number.isNaN(value) ? '–' : isMet ? 'ok' : '**misses**')
  if ('exactly' in limit) return { target: `= ${limit.exactly}`, verdict: say(value === limit.exactly) }
  if (limit.of === 'ratio') return { target: `≤ ${limit.atMost} × bare`, verdict: say(value <= limit.atMost) }
  if (limit.of === 'value') return { target: `< ${limit.below}`, verdict: say(value < limit.below) }
  const sign = value < 0 ? '' : '+'
  return { target: `< bare + ${limit.below}`, verdict: `${say(value < limit.below)} (${sign}${number(value)})` }
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ what, bare, tollgate, ratios, target, verdict }) => {
    return [what, number(bare), number(tollgate), withRange(ratios), target, verdict]
  })
  return table(['figure', 'bare', 'tollgate', 'tollgate/bare', 'target', ''], rows)
}

/** A median whose repetitions lie far apart says that the machine was busy, not that the gateway is slow. */
function withRange(ratios: readonly number[]): string {
  if (ratios.length < 2) return number(median(ratios))
  return `${number(median(ratios))} (${number(Math.min(...ratios))} to ${number(Math.max(...ratios))})`
}
