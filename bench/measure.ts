import { cpuMs, forgetRssPeak, rssPeakMiB } from './cpu.ts'
import type { Member } from './crew.ts'
import type { Figures } from './figures.ts'
import type { LedgerCheck } from './ledger.ts'
import { type Job, type LoadResult, loadResultSchema, settledSchema } from './messages.ts'
import { atOnce, closedLoop, CONTENT_EVENTS, scenarios, type Scenario } from './scenarios.ts'
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
  const warmUp = await loadWith(lab, target, { ...scenario, pacing: atOnce, pace: closedLoop }, durations.warmUpSeconds)
  await target.ledger?.afterMore(warmUp.completed)

  if (pid !== null) forgetRssPeak(pid)
  const cpuBeforeMs = pid === null ? Number.NaN : cpuMs(pid)
  const load = await loadWith(lab, target, scenario, durations.seconds)
  const ledger = (await target.ledger?.afterMore(load.completed)) ?? null
  const spentMs = pid === null ? Number.NaN : cpuMs(pid) - cpuBeforeMs

  return { figures: figuresOf(load, spentMs, pid), load, warmUp, ledger }
}

/** A fresh process first compiles what is hot: for its first seconds a call costs twice what it costs later. */
export async function warmUpProcess(lab: Lab, target: Target, seconds: number): Promise<LoadResult[]> {
  const loads: LoadResult[] = []
  for (const scenario of scenarios.filter(({ name }) => name === 'messages-1k' || name === 'stream-messages')) {
    const load = await loadWith(lab, target, scenario, seconds)
    await target.ledger?.afterMore(load.completed)
    loads.push(load)
  }
  return loads
}

async function loadWith(lab: Lab, target: Target, scenario: Scenario, seconds: number): Promise<LoadResult> {
  const { api, promptBytes, isStream } = scenario
  await lab.upstream.ask(scenario.pacing, settledSchema, ANSWER_WITHIN_MS)
  const pace = scenario.pace(seconds)
  const job: Job = {
    origin: target.origin,
    key: target.key,
    api,
    promptBytes,
    isStream,
    contentEvents: CONTENT_EVENTS,
    pace,
  }
  const ownMs = pace.kind === 'burst' ? 0 : pace.seconds * 1000
  return lab.load.ask(job, loadResultSchema, ownMs + JOB_GRACE_MS)
}

function figuresOf(load: LoadResult, spentMs: number, pid: number | null): Figures {
  const seconds = load.elapsedMs / 1000
  return {
    completed: load.completed,
    failed: load.failed,
    callsPerSecond: load.completed / seconds,
    eventsPerSecond: load.events / seconds,
    cpuMsPerCall: spentMs / load.completed,
    firstByteP50Ms: load.firstByteMs.p50,
    firstByteP99Ms: load.firstByteMs.p99,
    wholeP50Ms: load.wholeMs.p50,
    wholeP99Ms: load.wholeMs.p99,
    ...(pid === null ? {} : { rssPeakMiB: rssPeakMiB(pid) }),
  }
}
