import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { join } from 'node:path'
import { z } from 'zod'
import type { Program } from './crew.ts'
import { freePort, originOf, startProcess, type Started } from './start-process.ts'
import type { Site } from './site.ts'

/** Where one gateway keeps its files, and which database it uses. */
export type GatewayHome = {
  readonly name: string
  readonly folder: string
  /** Whatever else is said to it. */
  readonly more?: Program['environment']
  readonly database: { readonly DATABASE_PATH: string } | { readonly DATABASE_URL: string }
}

export type Gateway = { readonly origin: string; readonly process: Started }

export async function startGateway(site: Site, home: GatewayHome): Promise<Gateway> {
  const { gatewayPath, cores } = site
  const port = await freePort()
  const environment = { ...environmentOf(site, home), PORT: String(port) }
  const args = [gatewayPath, 'serve']
  const process = await startProcess(site.crew, { name: home.name, args, cores, environment, hasIpc: false }, port)
  return { origin: originOf(port), process }
}

/** Makes a key. It also brings the schema up, so that a start after it is measured on an up-to-date one. */
export async function createKey(site: Site, home: GatewayHome): Promise<string> {
  const limit = ['--token-limit', '1000000000000']
  const args = [site.gatewayPath, 'keys', 'create', '--name', 'bench', ...limit, '--json']
  const options = { env: { ...environmentOf(site, home) }, timeout: 30_000 }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  return z.object({ key: z.string() }).parse(JSON.parse(stdout)).key
}

function environmentOf(
  { searchPath, upstreamPort }: Site,
  { folder, database, more }: GatewayHome,
): Program['environment'] {
  mkdirSync(folder, { recursive: true })
  return {
    PATH: searchPath,
    NODE_ENV: 'production',
    ANTHROPIC_API_KEY: 'x',
    ANTHROPIC_BASE_URL: originOf(upstreamPort),
    OPENAI_API_KEY: 'x',
    OPENAI_BASE_URL: `${originOf(upstreamPort)}/v1`,
    ...database,
    SPOOL_DIR: join(folder, 'spool'),
    DATA_DIR: folder,
    ADMIN_API_KEY: `tg_${randomBytes(26).toString('hex')}`,
    LOG_LEVEL: 'warn',
    ...more,
  }
}
