import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { type CommandLine, type Ended, startCommandLine } from './command-line.ts'

export { until } from './until.ts'

/** The file is closed to readers for moments: while its last writer leaves it, or the first one after a crash comes. */
const BUSY_MS = 10_000
const MAIN = new URL('../../bin/tollgate.mjs', import.meta.url).pathname

export type Env = Readonly<Record<string, string>>

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** A directory for one gateway's data; removed by `remove`. */
export interface Home {
  readonly path: string
  readonly env: Env
  /** Runs `tollgate …` in this home, with `input` on its standard input. */
  cli(args: readonly string[], env?: Env, input?: string): Promise<Ended>
  /** Likewise in a process that all of them share, one after the other, which is a lot faster. */
  command(args: readonly string[], env?: Env): Promise<Ended>
  /** Makes a key through the command line and answers what `--json` prints. */
  createKey(options?: readonly string[]): Promise<{ readonly id: string; readonly key: string; readonly name: string }>
  /** Reads the SQLite file. */
  query<Row = Record<string, unknown>>(sql: string, ...values: (string | number)[]): Row[]
  remove(): Promise<void>
}

/** A real `tollgate serve` process. */
export interface GatewayProcess {
  readonly url: string
  readonly port: number
  readonly process: ChildProcess
  /** What it has logged so far. */
  readonly log: readonly LogLine[]
  readonly stderr: () => string
  /** Sends the signal (SIGTERM) and answers the exit status, null if it was killed. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export async function createHome(env: Env = {}): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), 'tg-'))
  const ownEnv: Env = {
    PATH: process.env['PATH'] ?? '',
    DATA_DIR: path,
    // All callers of a test are at one address, and many mean to be refused.
    AUTH_GUARD_ENABLED: 'false',
    // What an upstream of a test does wrong is to be seen, and not mended by another attempt.
    FAILOVER_DEADLINE_MS: '0',
    ...env,
  }
  let keys = 0
  let commandLine: CommandLine | undefined

  const home: Home = {
    path,
    env: ownEnv,
    async cli(args, more = {}, input = '') {
      const options = { env: { ...ownEnv, ...more }, cwd: path }
      try {
        const running = promisify(execFile)(process.execPath, [MAIN, ...args], options)
        running.child.stdin?.on('error', () => {}).end(input) // a command that reads nothing may have ended
        return { status: 0, ...(await running) }
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string } // safe: execFile's error
        return { status: code, stdout, stderr }
      }
    },
    command: (args, more) => (commandLine ??= startCommandLine({ cwd: path, env: ownEnv })).run(args, more),
    async createKey(options = []) {
      const name = options.includes('--name') ? [] : ['--name', `key-${++keys}`]
      const { status, stdout, stderr } = await home.command(['keys', 'create', ...name, ...options, '--json'])
      if (status !== 0) throw new Error(`keys create failed: ${stderr}`)
      return JSON.parse(stdout) as { id: string; key: string; name: string } // safe: --json's contract
    },
    query<Row>(sql: string, ...values: (string | number)[]) {
      const database = new DatabaseSync(join(path, 'tollgate.db'), { readOnly: true, timeout: BUSY_MS })
      try {
        return database.prepare(sql).all(...values) as Row[] // safe: the test knows what it asked for
      } finally {
        database.close()
      }
    },
    async remove() {
      await commandLine?.close()
      await rm(path, { recursive: true, force: true })
    },
  }
  return home
}

/** Starts the gateway and resolves when it listens. `onSpawn` has the process earlier, for who wants to kill it earlier. */
export async function startGateway(
  home: Home,
  env: Env = {},
  onSpawn?: (child: ChildProcess) => void,
): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: { ...home.env, PORT: '0', HOST: '127.0.0.1', ...env },
    cwd: home.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onSpawn?.(child)
  const log: LogLine[] = []
  const torn: string[] = []
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const port = await new Promise<number>((resolve, reject) => {
    // Not at its 'exit', which may come before the last of what it says.
    child.once('close', (code) => reject(new Error(`serve ended with ${code}: ${stderr}`)))
    createInterface({ input: child.stdout }).on('line', (text) => {
      if (!text.startsWith('{')) return
      const line = parseLine(text)
      if (line) log.push(line)
      else torn.push(text)
      if (line?.msg === 'listening') resolve(Number(line['port']))
    })
  })
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    process: child,
    log,
    stderr: () => stderr,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) {
        const closed = once(child, 'close') // and not 'exit', which may come before the last of the output
        child.kill(signal)
        await closed
      }
      // Only a kill may tear a line, and only the last one.
      const mayTear = child.signalCode === 'SIGKILL' ? 1 : 0
      if (torn.length > mayTear) throw new Error(`lines of the output are torn: ${torn.join('\n')}`)
      return child.exitCode
    },
  }
}

function parseLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine // safe: pino writes objects
  } catch {
    return undefined
  }
}

/** The environment that makes a fake upstream the account of every vendor. */
export function upstreamEnv(url: string): Env {
  return {
    ANTHROPIC_API_KEY: 'upstream-anthropic-secret',
    ANTHROPIC_BASE_URL: url,
    OPENAI_API_KEY: 'upstream-openai-secret',
    OPENAI_BASE_URL: `${url}/v1`,
  }
}
