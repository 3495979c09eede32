import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, json } from '../support/ask.ts'
import { createHome, type Env, type GatewayProcess, type Home, startGateway, until } from '../support/gateway.ts'
import type { Call, Target, Traffic } from './traffic.ts'

/** A gateway that comes and goes, with a home of its own. */
export interface Member extends Target {
  readonly home: Home
  gateway: GatewayProcess | undefined
}

/** Gateways side by side, with one directory for their spools, so that one adopts what another has left. */
export interface Crew {
  readonly members: readonly Member[]
  readonly spoolDir: string
  /** Calls in flight when their gateway was killed or cut off: they may have been interrupted. */
  readonly atRisk: Set<string>
  /** Ends that nobody had asked for. */
  readonly surprises: string[]
  start(member: Member): Promise<void>
  /** Starts it, and kills it before long. */
  startInVain(member: Member, afterMs: number): Promise<void>
  /** SIGKILL, whatever it is doing. */
  kill(member: Member): Promise<void>
  /** SIGTERM; answers all that it has printed, and its exit status. */
  end(member: Member): Promise<{ readonly output: string; readonly status: number | null }>
  health(member: Member): Promise<Health>
  /** Resolves when those that live have adopted and drained what the dead have left. */
  adopt(): Promise<void>
  /** Resolves when every gateway is well and the spools are drained. */
  settle(): Promise<void>
  close(): Promise<void>
}

interface Health {
  readonly status: string
  readonly storage: { readonly inFallbackMode: boolean }
  readonly ledger: { readonly spooled: number; readonly damagedRecords: number }
}

/** Of a living process, or of a dead one and who reads it. */
const FOLDER_NAME = /^[0-9A-Z]{26}/

/** Longer than a call of these tests takes, with the longest pause of a gateway in it. */
const LONGEST_CALL_MS = 10_000

export interface CrewOptions {
  /** The environment of each member, by its name. */
  readonly envs: Readonly<Record<string, Env>>
  readonly spoolDir?: string
  readonly traffic: () => Traffic
}

export async function createCrew({ envs, spoolDir: given, traffic }: CrewOptions): Promise<Crew> {
  const spoolDir = given ?? (await mkdtemp(join(tmpdir(), 'tg-spool-')))
  const members = await Promise.all(
    Object.entries(envs).map(async ([name, env]): Promise<Member> => {
      const home = await createHome({ SPOOL_DIR: spoolDir, ...env })
      const member: Member = { name, home, gateway: undefined, url: () => member.gateway?.url }
      return member
    }),
  )
  const atRisk = new Set<string>()
  const surprises: string[] = []

  const markAtRisk = (member: Member): void => {
    const now = Date.now()
    for (const call of traffic().calls.values())
      if (call.target === member.name && isAtRisk(call, now)) atRisk.add(call.id)
  }
  const crew: Crew = {
    members,
    spoolDir,
    atRisk,
    surprises,
    async start(member) {
      const gateway = await startGateway(member.home)
      member.gateway = gateway
      gateway.process.once('exit', (code, signal) => {
        if (member.gateway !== gateway) return
        member.gateway = undefined
        surprises.push(`${member.name} ended by itself with ${code ?? signal}: ${gateway.stderr()}`)
      })
    },
    async startInVain(member, afterMs) {
      const killed = Promise.withResolvers<void>()
      const started = startGateway(member.home, {}, (child) => {
        void once(child, 'exit').then(() => killed.resolve())
        setTimeout(() => child.kill('SIGKILL'), afterMs)
      })
      await started.catch(() => undefined) // killed before it listened
      await killed.promise
    },
    async kill(member) {
      const { gateway } = member
      member.gateway = undefined
      markAtRisk(member)
      await gateway?.stop('SIGKILL')
      markAtRisk(member) // and what had begun meanwhile
    },
    async end(member) {
      const { gateway } = member
      member.gateway = undefined
      markAtRisk(member)
      const status = (await gateway?.stop()) ?? null
      markAtRisk(member)
      return { status, output: (gateway?.log ?? []).map((line) => `${JSON.stringify(line)}\n`).join('') }
    },
    async health(member) {
      const { text } = await ask(`${member.gateway?.url}/health`)
      return json(text) as unknown as Health // safe: the contract of /health
    },
    async adopt() {
      const isAdopted = (): boolean => {
        const folders = readdirSync(spoolDir).filter((name) => FOLDER_NAME.test(name))
        return folders.length === members.filter(({ gateway }) => gateway).length && !folders.join('').includes('.')
      }
      await until('the spools of the dead are drained', isAdopted, 60_000)
    },
    async settle() {
      await crew.adopt()
      for (const member of members) {
        const isWell = async (): Promise<boolean> => {
          const { status, ledger, storage } = await crew.health(member)
          return status !== 'unhealthy' && !storage.inFallbackMode && ledger.spooled === 0
        }
        await until(`${member.name} is well`, isWell, 60_000)
      }
    },
    async close() {
      for (const member of members) {
        await crew.kill(member)
        await member.home.remove()
      }
      if (given === undefined) await rm(spoolDir, { recursive: true, force: true })
    },
  }
  return crew
}

/** The answer of a client that hung up is read on for a while, which is not to be seen from here. */
function isAtRisk(call: Call, now: number): boolean {
  if (call.end === 'whole') return false
  return call.end === 'open' || now - call.endedAt < (call.end === 'hung up' ? LONGEST_CALL_MS : 1000)
}
