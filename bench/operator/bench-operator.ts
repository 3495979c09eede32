import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlPlane, startControlPlane } from '../../test/cluster/control-plane.ts'
import { type ManyStores, makeManyStores } from '../../test/cluster/many-stores.ts'
import {
  type Calls,
  callsBetween,
  type OperatorProcess,
  type Readings,
  startOperatorProcess,
} from '../../test/cluster/operator-process.ts'
import { until } from '../../test/support/until.ts'
import { cpuMs, forgetRssPeak, rssMiB, rssPeakMiB } from '../cpu.ts'
import type { Options } from '../options.ts'
import { number, table } from '../table.ts'
import { inWorkshop, type Workshop } from '../workshop.ts'

type Results = {
  readonly stores: number
  /** Beginning with nothing. */
  readonly made: Took
  readonly rest: Rest
  /** One store of them all. */
  readonly changed: Took
  /** By a new process, once it leads, until it has looked at every store. */
  readonly restarted: Took & { readonly peakPerSecond: number }
}

type Took = { readonly seconds: number; readonly calls: Calls }

type Rest = {
  readonly minutes: number
  readonly calls: Calls
  readonly passes: number
  readonly rssMiB: number
  readonly rssPeakMiB: number
  readonly heapMiB: number
  readonly cpuMsPerMinute: number
}

const PATIENCE_MS = 1_800_000
const MIB = 1024 * 1024
/** After which every store has been looked at again, at its own time. */
const SETTLE_MS = 65_000
const LOOK_MS = 1000

/** What the operator costs with many stores. Pods do not run: what is measured is the operator, and not the gateways. */
export function benchOperator({ gatewayPath, stores, isQuick }: Options): Promise<number> {
  return inWorkshop({
    name: 'operator',
    gatewayPath,
    needsPostgres: false,
    seconds: Math.round(stores * 0.8 + 200),
    async work(workshop) {
      const cluster = await startControlPlane()
      try {
        const results = await measure(workshop, cluster, programBeside(gatewayPath), stores, isQuick ? 60_000 : 180_000)
        console.log(reportOf(results, workshop.note))
        await workshop.keep(results)
      } finally {
        await cluster.close()
      }
      return []
    },
  })
}

function programBeside(gatewayPath: string): string {
  return join(dirname(gatewayPath), 'tollgate-operator.mjs')
}

async function measure(
  { say }: Workshop,
  cluster: ControlPlane,
  program: string,
  count: number,
  restMs: number,
): Promise<Results> {
  const names = Array.from({ length: count }, (_, i) => `gate-${i}`)
  const stores = await makeManyStores(cluster, names)
  const start = (): Promise<OperatorProcess> =>
    startOperatorProcess(program, {
      KUBECONFIG: cluster.kubeconfig,
      POD_NAMESPACE: stores.namespace,
      NODE_OPTIONS: '--max-semi-space-size=4', // as its first line says
    })
  let operator = await start()
  try {
    say(`${count} stores are being made`)
    const startedAt = performance.now()
    await stores.ready(PATIENCE_MS)
    const made = { seconds: since(startedAt), calls: (await operator.readings()).calls() }
    say(`all are ready after ${number(made.seconds)} s`)
    await sleep(SETTLE_MS)
    const rest = await atRest(operator, restMs)
    say(`at rest: ${number(perMinute(rest, sumOf(rest.calls)))} calls/min, RSS ${number(rest.rssMiB)} MiB`)
    const changed = await change(operator, stores, names.slice(-1))
    await operator.end('SIGTERM')
    operator = await start()
    const restarted = await catchUp(operator, count)
    say(`after a restart: ${number(restarted.seconds)} s`)
    return { stores: count, made, rest, changed, restarted }
  } finally {
    await operator.end('SIGKILL')
    await stores.close()
  }
}

async function atRest({ pid, readings }: OperatorProcess, ms: number): Promise<Rest> {
  forgetRssPeak(pid)
  const [before, cpuBefore, startedAt] = [await readings(), cpuMs(pid), performance.now()]
  await sleep(ms)
  const after = await readings()
  const minutes = since(startedAt) / 60
  return {
    minutes,
    calls: callsBetween(before, after),
    passes: passesOf(after) - passesOf(before),
    rssMiB: rssMiB(pid),
    rssPeakMiB: rssPeakMiB(pid),
    heapMiB: after.sum('nodejs_heap_size_used_bytes') / MIB,
    cpuMsPerMinute: (cpuMs(pid) - cpuBefore) / minutes,
  }
}

/** Ends with the write of its status, which is the last thing that a change leads to. */
async function change({ readings }: OperatorProcess, stores: ManyStores, names: readonly string[]): Promise<Took> {
  const [before, startedAt] = [await readings(), performance.now()]
  await stores.change(names, 'changed', { service: { annotations: { 'example.com/note': 'changed' } } })
  const isTold = async (): Promise<boolean> => (callsBetween(before, await readings())['PATCH apikeystores'] ?? 0) >= 1
  await until('the change is told', isTold, PATIENCE_MS)
  const seconds = since(startedAt)
  await sleep(LOOK_MS)
  return { seconds, calls: callsBetween(before, await readings()) }
}

async function catchUp({ readings }: OperatorProcess, count: number): Promise<Results['restarted']> {
  await until('it leads', async () => (await readings()).sum('leader') === 1, PATIENCE_MS)
  const startedAt = performance.now()
  let [total, at, peakPerSecond] = [0, startedAt, 0]
  for (;;) {
    const now = await readings()
    const calls = sumOf(now.calls())
    const isDone = passesOf(now) >= count
    peakPerSecond = Math.max(peakPerSecond, (calls - total) / since(at))
    if (isDone) return { seconds: since(startedAt), calls: now.calls(), peakPerSecond }
    total = calls
    at = performance.now()
    await sleep(LOOK_MS)
  }
}

function passesOf(readings: Readings): number {
  return readings.sum('reconcile_total', 'result="success"')
}

function since(startedAt: number): number {
  return (performance.now() - startedAt) / 1000
}

function sumOf(calls: Calls): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0)
}

function perMinute({ minutes }: Rest, count: number): number {
  return count / minutes
}

function reportOf({ stores, made, rest, changed, restarted }: Results, note: string): string {
  const calls = ({ calls: of }: { readonly calls: Calls }): string =>
    Object.entries(of)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ') || 'none'
  const byCall = Object.entries(rest.calls).map(([what, count]) => [what, number(perMinute(rest, count))])
  return [
    `# Operator: ${stores} stores\n\n${note}\nCalls are those of passes and lists; neither of the lease nor of watches.`,
    `## At rest\n\n${table(
      ['what', 'a minute'],
      [
        ...byCall,
        ['all calls', number(perMinute(rest, sumOf(rest.calls)))],
        ['passes', number(rest.passes / rest.minutes)],
      ],
    )}`,
    table(
      ['RSS MiB', 'peak of it', 'heap used MiB', 'CPU ms/min'],
      [[rest.rssMiB, rest.rssPeakMiB, rest.heapMiB, rest.cpuMsPerMinute].map(number)],
    ),
    `## Until it is done\n\n${table(
      ['what', 's', 'calls'],
      [
        ['all stores are made, and ready', number(made.seconds), number(sumOf(made.calls))],
        ['one is changed', number(changed.seconds), calls(changed)],
        ['all are looked at after a restart', number(restarted.seconds), calls(restarted)],
      ],
    )}\n\nAfter the restart at most ${number(restarted.peakPerSecond)} calls/s.`,
  ].join('\n\n')
}
