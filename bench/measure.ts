import { cpuMs, forgetRssPeak, rssPeakMiB } from './cpu.ts'
import type { Member } from './crew.ts'
import type { Figures } from './figures.ts'
import type { LedgerCheck } from './ledger.ts'
import { type Job, type LoadResult, loadResultSchema, settledSchema } from './messages.ts'
import { atOnce, closedLoop, CONTENT_EVENTS, type LoadKind, scenarios, type Scenario } from './scenarios.ts'
import type { Target } from './targets.ts'

export type Lab = { readonly upstream: Member; readonly load: Member }

export type Measured = {
  readonly figures: Figures
  readonly load: LoadResult
  readonly warmUp: LoadResult
  readonly ledger: LedgerCheck | null
}

const ANSWER_WITHIN_MS = 5000
/** Beyond a job's own time: the longest answer, and the load generator's time-out for it. */
const JOB_GRACE_MS = 45_000

type Durations = { readonly seconds: number; readonly warmUpSeconds: number }

/** One scenario against one target: warm up, then count what the target's process has spent when its ledger is written. */
export async function measure(lab: Lab, target: Target, scenario: Scenario, durations: Durations): Promise<Measured> {
  const pid = target.process?.member.pid ?? null
  const door = { origins: [target.origin], keys: target.keys }
  const warmUp = await loadWith(lab, door, { ...scenario, pacing: atOnce, pace: closedLoop }, durations.warmUpSeconds)
  await target.ledger?.awaitMore(warmUp.completed)

  if (pid !== null) forgetRssPeak(pid)
  const spent = { own: stopwatch(pid === null ? null : () => cpuMs(pid)), database: stopwatch(target.databaseCpuMs) }
  const load = await loadWith(lab, door, scenario, durations.seconds)
  await target.ledger?.awaitMore(load.completed)
  const spentMs = { own: spent.own(), database: spent.database() }
  const ledger = (await target.ledger?.check()) ?? null

  return { figures: figuresOf(load, spentMs, pid), load, warmUp, ledger }
}

/** What a clock has advanced by since now; NaN without a clock. */
function stopwatch(clock: (() => number) | null): () => number {
  const before = clock?.() ?? Number.NaN
  return () => (clock?.() ?? Number.NaN) - before
}

/** A fresh process first compiles what is hot: for its first seconds a call costs twice what it costs later. */
export async function warmUpProcess(lab: Lab, target: Target, seconds: number): Promise<LoadResult[]> {
  const loads: LoadResult[] = []
  for (const scenario of scenarios.filter(({ name }) => name === 'messages-1k' || name === 'stream-messages')) {
    const load = await loadWith(lab, { origins: [target.origin], keys: target.keys }, scenario, seconds)
    await target.ledger?.awaitMore(load.completed)
    loads.push(load)
  }
  return loads
}

type Door = Readonly<Record<'origins' | 'keys', readonly string[]>>

export async function loadWith(lab: Lab, door: Door, kind: LoadKind, seconds: number): Promise<LoadResult> {
  const { api, promptBytes, isStream } = kind
  await lab.upstream.ask(kind.pacing, settledSchema, ANSWER_WITHIN_MS)
  const pace = kind.pace(seconds)
  const job: Job = {
    origins: [...door.origins],
    keys: [...door.keys],
    api,
    promptBytes,
    isStream,
    contentEvents: CONTENT_EVENTS,
    pace,
  }
  const ownMs = pace.kind === 'burst' ? 0 : pace.seconds * 1000
  return lab.load.ask(job, loadResultSchema, ownMs + JOB_GRACE_MS)
}

/** What makes the figures of a measurement worthless, in sentences. */
export function problemsOf(loads: readonly LoadResult[], ledger: LedgerCheck | null): string[] {
  const problems = loads.flatMap(failuresOf)
  if (loads.at(-1)?.completed === 0) problems.push('no call completed')
  if (ledger !== null && ledger.rows !== ledger.calls) {
    problems.push(`the ledger has ${ledger.rows} rows for ${ledger.calls} completed calls`)
  }
  return problems
}

export function failuresOf({ failed, firstFailure }: LoadResult): string[] {
  return failed === 0 ? [] : [`${failed} calls failed, the first with ${firstFailure}`]
}

type Spent = { readonly own: number; readonly database: number }

function figuresOf(load: LoadResult, spentMs: Spent, pid: number | null): Figures {
  const seconds = load.elapsedMs / 1000
  return {
    completed: load.completed,
    failed: load.failed,
    callsPerSecond: load.completed / seconds,
    eventsPerSecond: load.events / seconds,
    cpuMsPerCall: spentMs.own / load.completed,
    databaseCpuMsPerCall: spentMs.database / load.completed,
    firstByteP50Ms: load.firstByteMs.p50,
    firstByteP99Ms: load.firstByteMs.p99,
    wholeP50Ms: load.wholeMs.p50,
    wholeP99Ms: load.wholeMs.p99,
    ...(pid === null ? {} : { rssPeakMiB: rssPeakMiB(pid) }),
  }
}
