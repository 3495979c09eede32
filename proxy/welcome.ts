import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Log } from './telemetry/log.ts'
import { version } from './version.ts'

type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>

export interface Started {
  readonly port: number
  /** Of the database. */
  readonly location: string
  /** How many channels there are, those of the environment included. */
  readonly channels: () => number
}

/** Says where the gateway is and what to do next: to a person on a terminal, in the log elsewhere. */
export function welcome(config: Config, { port, location, channels }: Started, log: Log, terminal: Terminal): void {
  const upstreams = (['ANTHROPIC', 'OPENAI', 'ZAI'] as const).filter((vendor) => config[`${vendor}_API_KEY`])
  if (!terminal.isTTY) {
    log.info({ port, version, database: location, upstreams }, 'listening')
    if (channels() === 0) log.warn(`no upstream is configured: ${UPSTREAM_HINT}`)
    return
  }
  const lines = [
    `Tollgate ${version} listens on http://localhost:${port} (database: ${location})`,
    '',
    channels() === 0
      ? `  No upstream is configured:   ${UPSTREAM_HINT}`
      : `  Channels to upstreams:       ${channels()}`,
    '  Make a key for somebody:     npx tollgate keys create --name alice --token-limit 100000',
    `  See what a key has used:     curl -H "Authorization: Bearer <key>" http://localhost:${port}/stats`,
    '',
  ]
  terminal.write(`${lines.join('\n')}\n`)
}

const UPSTREAM_HINT =
  'make a channel (docs/channels.md), or set ANTHROPIC_API_KEY, OPENAI_API_KEY or ZAI_API_KEY and start again'

/** Tells the first admin key: to a person on a terminal, else in a file that only the owner may read. */
export function tellAdminKey({ DATA_DIR }: Config, key: string, log: Log, terminal: Terminal): void {
  if (terminal.isTTY) {
    terminal.write(`\n  Admin key, shown this once:  ${key}\n\n`)
    return
  }
  const path = join(DATA_DIR, 'admin-key')
  mkdirSync(DATA_DIR, { recursive: true, mode: 0o700 })
  writeFileSync(path, `${key}\n`, { mode: 0o600 })
  chmodSync(path, 0o600) // the mode above is for a new file only
  log.info(`an admin key was made and written to ${path}`)
}
