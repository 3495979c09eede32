import { median } from './quantile.ts'

export type Figure =
  | 'completed'
  | 'failed'
  | 'callsPerSecond'
  | 'eventsPerSecond'
  | 'cpuMsPerCall'
  | 'firstByteP50Ms'
  | 'firstByteP99Ms'
  | 'wholeP50Ms'
  | 'wholeP99Ms'
  | 'rssPeakMiB'
  | 'rssAtRestMiB'
  | 'startMs'
  | 'ledgerCalls'
  | 'ledgerRows'
  | 'databaseCpuMsPerCall'
  | 'statementsPer1000Calls'
  | 'commitLagP50Ms'
  | 'commitLagP99Ms'

export type Figures = Readonly<Partial<Record<Figure, number>>>

/** What a target showed in one repetition; `process` stands for what is true of no scenario: start, memory, ledger. */
export type Sample = {
  readonly target: string
  readonly scenario: string
  readonly repetition: number
  readonly figures: Figures
}

/** What was measured, and what went wrong meanwhile. */
export type Run = { readonly samples: readonly Sample[]; readonly problems: readonly string[] }

export const PROCESS = 'process'

export function medianOf(samples: readonly Sample[], target: string, scenario: string, figure: Figure): number {
  return median(valuesOf(samples, target, scenario, figure).filter((value) => !Number.isNaN(value)))
}

/** How two targets compare in the *same* repetition, for each: the machine's drift cancels out. */
export function paired(
  samples: readonly Sample[],
  [target, other]: readonly [string, string],
  scenario: string,
  figure: Figure,
  combine: (value: number, otherValue: number) => number,
): number[] {
  const others = valuesOf(samples, other, scenario, figure)
  const pairs = valuesOf(samples, target, scenario, figure).map((value, at) => combine(value, others[at] ?? Number.NaN))
  return pairs.filter((value) => !Number.isNaN(value))
}

function valuesOf(samples: readonly Sample[], target: string, scenario: string, figure: Figure): number[] {
  return samples
    .filter((sample) => sample.target === target && sample.scenario === scenario)
    .toSorted((a, b) => a.repetition - b.repetition)
    .map((sample) => sample.figures[figure] ?? Number.NaN)
}
