import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { json } from '../support/ask.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { until } from '../support/gateway.ts'
import type { PostgresServer } from '../support/postgres.ts'
import type { Member } from './crew.ts'
import { changeKeys, createKey, type KeyStage } from './keys.ts'
import { type Draw, type Fault, pass } from './rounds.ts'

/** Gateways on one PostgreSQL, each behind a network of its own. */
export interface Stage extends KeyStage {
  readonly postgres: PostgresServer
  readonly network: (member: Member) => FaultProxy
  /** Asks PostgreSQL directly. */
  readonly query: (sql: string) => Promise<readonly object[]>
  readonly count: (what: string, by: number) => void
}

export const ANSWERED_IN_OUTAGES = 'answered while PostgreSQL was away'
export const CUT_COMMITS = 'commits whose answer was cut off'

type Run = (draw: Draw<Stage>) => Promise<void>

const between = (least: number, most: number, extent: number): number => least + (most - least) * extent

/** Every fault is healed when its `run` resolves. */
export const faults: readonly [Fault<Stage>, ...Fault<Stage>[]] = [
  { kind: 'SIGKILL', holds: 'a gateway', weight: 4, run: kill },
  { kind: 'SIGSTOP', holds: 'a gateway', weight: 2, run: pause },
  { kind: 'PostgreSQL crashes', holds: 'the database', weight: 3, run: crash },
  { kind: 'connections are terminated', holds: 'the database', weight: 2, run: terminate },
  { kind: 'network: delay', holds: 'a gateway', weight: 1, run: network((net, variant) => net.delay(variant * 1500)) },
  { kind: 'network: drop', holds: 'a gateway', weight: 2, run: network((net) => net.drop()) },
  { kind: 'network: refuse', holds: 'a gateway', weight: 1, run: network((net) => net.refuse()) },
  {
    kind: 'network: truncate',
    holds: 'a gateway',
    weight: 1,
    run: network((net, variant) => net.truncate(variant * 2000)),
  },
  { kind: 'commits are cut', holds: 'everything', weight: 3, run: cutCommits },
  { kind: 'SIGTERM in an outage', holds: 'everything', weight: 2, run: endInOutage },
  { kind: 'start in an outage', holds: 'everything', weight: 1, run: startInOutage },
  { kind: 'new key in an outage', holds: 'everything', weight: 1, run: callWithNewKey },
  {
    kind: 'keys change',
    holds: 'everything',
    weight: 1,
    run: ({ stage, variant }) => changeKeys(stage, variant < 0.25),
  },
]

/** Some of those that are killed are killed again while they start, and some stay away until another has their spool. */
async function kill({ stage: { crew, count }, member, extent, variant }: Draw<Stage>): Promise<void> {
  await crew.kill(member)
  if (variant < 0.3) await crew.startInVain(member, extent * 800)
  if (variant > 0.75) {
    await crew.adopt()
    count('spools adopted by others', 1)
  }
  await crew.start(member)
}

/** Some of those that are stopped are killed before they go on. */
async function pause({ stage: { crew }, member, extent, variant }: Draw<Stage>): Promise<void> {
  member.gateway?.process.kill('SIGSTOP')
  await wait(between(200, 3000, extent))
  if (variant < 0.3) {
    await crew.kill(member)
    await crew.start(member)
  } else member.gateway?.process.kill('SIGCONT')
}

async function crash({ stage, extent }: Draw<Stage>): Promise<void> {
  await inOutage(stage, () => wait(between(200, 2000, extent)))
}

/** Stops PostgreSQL in the middle of whatever it does, for as long as `work` takes. */
async function inOutage({ postgres, traffic, count }: Stage, work: () => Promise<unknown>): Promise<void> {
  await postgres.stop('immediate')
  const before = traffic.completed()
  await work()
  count(ANSWERED_IN_OUTAGES, traffic.completed() - before)
  await postgres.start()
}

async function terminate({ stage: { query } }: Draw<Stage>): Promise<void> {
  await query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tollgate%'`)
}

function network(begin: (net: FaultProxy, variant: number) => void): Run {
  return async ({ stage, member, extent, variant }) => {
    const net = stage.network(member)
    begin(net, variant)
    await wait(between(200, 3000, extent))
    net.heal()
  }
}

/** PostgreSQL gets the statement and commits, and the gateway's connection is reset in place of the answer. */
async function cutCommits({ stage, member, extent }: Draw<Stage>): Promise<void> {
  const failures = (): number =>
    member.gateway?.log.filter(({ msg }) => msg.startsWith('entries cannot be committed')).length ?? 0
  const before = failures()
  // By the ids in the entries and not by the text of the statement, which is sent once for all that follow.
  stage.network(member).cutAnswers('"call-')
  const wanted = before + 1 + Math.floor(extent * 3)
  await until('the answers to commits are cut', () => failures() >= wanted, 30_000)
  stage.network(member).heal()
  stage.count(CUT_COMMITS, failures() - before)
}

/** What it has printed is read back before another process finds its spool, after it, or meanwhile. */
async function endInOutage({ stage, member, variant }: Draw<Stage>): Promise<void> {
  const { crew, desk, traffic, count } = stage
  const file = join(desk.path, 'output')
  await inOutage(stage, async () => {
    await pass(traffic, 20)
    const { output, status } = await crew.end(member)
    if (status !== 0) crew.surprises.push(`${member.name} ended with ${status} after SIGTERM`)
    writeFileSync(file, output)
  })
  const replay = async (): Promise<void> => {
    const { stdout, stderr } = await desk.cli(['ledger', 'replay', file, '--json'])
    if (stderr !== '') crew.surprises.push(`ledger replay: ${stderr}`)
    const { entries, applied } = json(stdout)
    count('entries printed at the end', Number(entries))
    count('entries replayed', Number(applied))
  }
  if (variant < 0.4) {
    await replay()
    await crew.start(member)
  } else if (variant < 0.7) await Promise.all([crew.start(member), replay()])
  else {
    await crew.start(member)
    await replay()
  }
}

/** With its snapshot of the keys it serves at once, and without it as soon as PostgreSQL is back. */
async function startInOutage({ stage, member, variant }: Draw<Stage>): Promise<void> {
  const { crew, traffic } = stage
  const hasSnapshot = variant < 0.5
  const snapshot = join(member.home.path, 'keys.snapshot')
  // After a change of keys it is gone for a moment.
  await until('there is a snapshot', () => existsSync(snapshot))
  let started: Promise<void> | undefined
  await inOutage(stage, async () => {
    await crew.kill(member)
    if (!hasSnapshot) rmSync(snapshot, { force: true })
    started = crew.start(member)
    if (hasSnapshot) await started
    await pass(traffic, 20)
  })
  await started
}

/** Nobody can tell it from a key that does not exist, so it gets 503 and not 401 until PostgreSQL is back. */
async function callWithNewKey({ stage }: Draw<Stage>): Promise<void> {
  const { desk, traffic } = stage
  const key = await createKey(desk, false)
  await inOutage(stage, async () => {
    traffic.keys.add(key)
    const isRefused = (): boolean => [...traffic.calls.values()].some((call) => call.key === key && call.status === 503)
    await until('a key that nobody knows yet is refused for the moment', isRefused)
  })
}
