import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { request } from 'undici'
import { z } from 'zod'
import type { Crew, Member, Program } from './crew.ts'
import { createLedgerReader, type LedgerReader } from './ledger.ts'
import { listenOnLoopback } from './listen.ts'
import type { TargetName } from './scenarios.ts'

/** What the load goes to. `direct` has no process: its load goes straight to the upstream. */
export type Target = {
  readonly name: TargetName
  readonly origin: string
  readonly key: string
  readonly process: { readonly member: Member; readonly startMs: number } | null
  readonly ledger: LedgerReader | null
}

export type Site = {
  readonly crew: Crew
  readonly cores: string | null
  readonly upstreamPort: number
  readonly gatewayPath: string
  readonly dataPath: string
  readonly searchPath: string
}

const READY_WITHIN_MS = 20_000
const READY_POLL_MS = 5
const NO_KEY = 'tg_0000000000000000000000000000000000000000000000000000'

const starts: Readonly<Record<TargetName, (site: Site) => Promise<Target>>> = {
  direct: startDirect,
  bare: startBare,
  tollgate: startTollgate,
}

export function startTarget(name: TargetName, site: Site): Promise<Target> {
  return starts[name](site)
}

async function startDirect(site: Site): Promise<Target> {
  return { name: 'direct', origin: originOf(site.upstreamPort), key: NO_KEY, process: null, ledger: null }
}

async function startBare(site: Site): Promise<Target> {
  const port = await freePort()
  const args = [join(import.meta.dirname, 'bare.ts'), originOf(site.upstreamPort), String(port)]
  const environment = { PATH: site.searchPath, NODE_ENV: 'production' }
  const process = await startProcess(site, { name: 'bare', args, cores: site.cores, environment, hasIpc: true }, port)
  return { name: 'bare', origin: originOf(port), key: NO_KEY, process, ledger: null }
}

async function startTollgate(site: Site): Promise<Target> {
  const port = await freePort()
  const databasePath = join(site.dataPath, 'tollgate.db')
  const environment = {
    PATH: site.searchPath,
    NODE_ENV: 'production',
    PORT: String(port),
    ANTHROPIC_API_KEY: 'x',
    ANTHROPIC_BASE_URL: originOf(site.upstreamPort),
    OPENAI_API_KEY: 'x',
    OPENAI_BASE_URL: `${originOf(site.upstreamPort)}/v1`,
    DATABASE_PATH: databasePath,
    SPOOL_DIR: join(site.dataPath, 'spool'),
    DATA_DIR: site.dataPath,
    ADMIN_API_KEY: `tg_${randomBytes(26).toString('hex')}`,
    LOG_LEVEL: 'warn',
  }
  // The first command also brings the schema up, so that the start is measured on an up-to-date one.
  const key = await createKey(site.gatewayPath, environment)
  const args = [site.gatewayPath, 'serve']
  const process = await startProcess(
    site,
    { name: 'tollgate', args, cores: site.cores, environment, hasIpc: false },
    port,
  )
  return { name: 'tollgate', origin: originOf(port), key, process, ledger: createLedgerReader(databasePath) }
}

async function createKey(gatewayPath: string, environment: Program['environment']): Promise<string> {
  const limit = ['--token-limit', '1000000000000']
  const args = [gatewayPath, 'keys', 'create', '--name', 'bench', ...limit, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...environment }, timeout: 30_000 })
  return z.object({ key: z.string() }).parse(JSON.parse(stdout)).key
}

async function startProcess(site: Site, program: Program, port: number) {
  const startedAt = performance.now()
  const member = site.crew.hire(program)
  await waitUntilReady(member, `${originOf(port)}/health/ready`)
  return { member, startMs: performance.now() - startedAt }
}

async function waitUntilReady(member: Member, url: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (!(await isReady(url))) {
    const reason = member.endedBy()
    if (reason !== null) throw new Error(reason)
    if (performance.now() > deadline) throw new Error(`${url} was not ready within ${READY_WITHIN_MS} ms`)
    await sleep(READY_POLL_MS)
  }
}

/** A refused connection is what a process that starts looks like. */
async function isReady(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: 2000 })
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

function originOf(port: number): string {
  return `http://127.0.0.1:${port}`
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listenOnLoopback(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
