import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Log } from './telemetry/log.ts'
import { version } from './version.ts'

export interface Started {
  readonly port: number
  /** The admin key that this start has made; told once. */
  readonly adminKey: string | undefined
  /** Of the database. */
  readonly location: string
}

/** Says where the gateway is and what to do next: to a person on a terminal, in the log elsewhere. */
export function welcome(
  config: Config,
  { port, adminKey, location }: Started,
  log: Log,
  terminal: NodeJS.WriteStream,
): void {
  const upstreams = (['ANTHROPIC', 'OPENAI', 'ZAI'] as const).filter((vendor) => config[`${vendor}_API_KEY`])
  if (!terminal.isTTY) {
    log.info({ port, version, database: location, upstreams }, 'listening')
    if (upstreams.length === 0) log.warn(`no upstream is configured: ${UPSTREAM_HINT}`)
    if (adminKey !== undefined) log.info(`an admin key was made and written to ${writeAdminKey(config, adminKey)}`)
    return
  }
  const lines = [
    `Tollgate ${version} listens on http://localhost:${port} (database: ${location})`,
    '',
    ...(adminKey === undefined ? [] : [`  Admin key, shown this once:  ${adminKey}`]),
    upstreams.length === 0
      ? `  No upstream is configured:   ${UPSTREAM_HINT}`
      : `  Upstreams:                   ${upstreams.join(', ')}`,
    '  Make a key for somebody:     npx tollgate keys create --name alice --token-limit 100000',
    `  See what a key has used:     curl -H "Authorization: Bearer <key>" http://localhost:${port}/stats`,
    '',
  ]
  terminal.write(`${lines.join('\n')}\n`)
}

const UPSTREAM_HINT = 'set ANTHROPIC_API_KEY, OPENAI_API_KEY or ZAI_API_KEY and start again'

function writeAdminKey({ DATA_DIR }: Config, key: string): string {
  const path = join(DATA_DIR, 'admin-key')
  writeFileSync(path, `${key}\n`, { mode: 0o600 })
  return path
}
