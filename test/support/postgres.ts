import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { appendFile, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { until } from './gateway.ts'
import {
  findPostgresBinaries,
  randomPort,
  serverEnvironment,
  serverUser,
  startSweeper,
  type Sweeper,
} from './postgres-binaries.ts'

/** A real PostgreSQL server of the tests' own. */
export interface PostgresServer {
  readonly port: number
  readonly password: string
  /** For the superuser; with a `port`, through what stands in front of the server. */
  url(database: string, port?: number): string
  /** Makes a database, empty or as the template is, and answers its URL. */
  createDatabase(name?: string, template?: string): Promise<string>
  /** `immediate` is a crash: nobody is waited for, and the next start has to recover. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  /** After a stop: on the same port, with the same data. */
  start(): Promise<void>
  /** The postmaster's. */
  pid(): number | undefined
  /** Stops the server and removes its data. */
  close(): Promise<void>
}

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '64MB',
  // What these two protect from is the machine's crash; a server's own crash loses nothing without them.
  fsync: 'off',
  full_page_writes: 'off',
}

/** How many ports to try: each is taken by somebody else once in thousands of times. */
const PORTS = 5

export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'tg-pg-'))
  const sweeper = startSweeper(folder)
  try {
    const password = randomBytes(12).toString('hex')
    await initialize(folder, password)
    for (let tries = 1; ; tries++) {
      const server = postgresServer(folder, password, randomPort(), settings, sweeper)
      try {
        await server.start()
        return server
      } catch (error) {
        if (tries === PORTS || !String(error).includes('Address already in use')) throw error
      }
    }
  } catch (error) {
    await sweeper.sweep()
    throw error
  }
}

let own: Promise<PostgresServer> | undefined
const fresh: string[] = []

/**
 * The URL of a new, empty database: on the server that the test run shares (global-setup.ts), else on one of this
 * process. It is dropped when the process has nothing left to do, and not after the test that asked for it: hooks run
 * in the order in which they were added, so the test's connections would still be open.
 */
export async function freshDatabase(): Promise<string> {
  const shared = process.env['TEST_POSTGRES_URL']
  if (shared === undefined) return (await (own ??= startPostgres())).createDatabase()
  if (fresh.length === 0) process.once('beforeExit', () => void dropFreshDatabases(shared))
  const name = randomName()
  fresh.push(name)
  return createDatabase(shared, name)
}

/**
 * Those that a pool still holds on to are left to the end of the server: a connection that is ended by force is an
 * error to the pool, and so to a test file that did nothing wrong.
 */
async function dropFreshDatabases(admin: string): Promise<void> {
  await asAdmin(admin, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `SELECT datname FROM pg_database d WHERE datname = ANY($1)
       AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)`,
      [fresh],
    )
    for (const { datname } of rows) await client.query(`DROP DATABASE "${datname}"`)
  })
}

async function createDatabase(admin: string, name = randomName(), template = 'template1'): Promise<string> {
  await asAdmin(admin, (client) => client.query(`CREATE DATABASE "${name}" TEMPLATE "${template}"`))
  return new URL(`/${name}`, admin).href
}

function randomName(): string {
  return `test_${randomBytes(8).toString('hex')}`
}

async function asAdmin(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

async function initialize(folder: string, password: string): Promise<void> {
  const user = serverUser()
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password)
  if (user) for (const path of [folder, passwordFile]) await chown(path, user.uid, user.gid)
  const args = ['-D', join(folder, 'data'), '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  await promisify(execFile)(
    join(findPostgresBinaries(), 'initdb'),
    [...args, '--no-sync', '--encoding=UTF8', '--locale=C'],
    { cwd: folder, env: serverEnvironment(), ...user },
  )
  await rm(passwordFile)
  // A server that was told to listen elsewhere, too, is there for clients that come from elsewhere.
  await appendFile(join(folder, 'data', 'pg_hba.conf'), 'host all all all scram-sha-256\n')
}

function postgresServer(
  folder: string,
  password: string,
  port: number,
  settings: Readonly<Record<string, string>>,
  sweeper: Sweeper,
): PostgresServer {
  let postmaster: ChildProcess | undefined
  const url = (database: string, atPort = port): string =>
    `postgres://postgres:${password}@127.0.0.1:${atPort}/${database}`

  const server: PostgresServer = {
    port,
    password,
    url,
    createDatabase: (name, template) => createDatabase(url('postgres'), name, template),
    pid: () => postmaster?.pid,
    async start() {
      if (postmaster !== undefined) throw new Error('the server is running already')
      const child = spawnPostmaster(folder, { ...SETTINGS, ...settings, port: String(port) })
      postmaster = child
      sweeper.watch(child.pid)
      child.once('exit', () => {
        postmaster = undefined
        sweeper.watch(undefined)
      })
      await until(
        'PostgreSQL lets a client in',
        async () => {
          if (postmaster !== child)
            throw new Error(`PostgreSQL did not start: ${await readIfThere(join(folder, 'log'))}`)
          return isReady(folder, child.pid)
        },
        60_000,
      )
    },
    async stop(mode = 'fast') {
      if (postmaster === undefined) return
      postmaster.ref()
      const exit = once(postmaster, 'exit')
      postmaster.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await exit
    },
    async close() {
      await server.stop('immediate')
      await sweeper.sweep()
    },
  }
  return server
}

function spawnPostmaster(folder: string, settings: Readonly<Record<string, string>>): ChildProcess {
  const log = openSync(join(folder, 'log'), 'w')
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(join(findPostgresBinaries(), 'postgres'), ['-D', join(folder, 'data'), ...args], {
    cwd: folder,
    env: serverEnvironment(),
    stdio: ['ignore', log, log],
    ...serverUser(),
  })
  closeSync(log)
  child.unref() // so that a test file that has done everything else can end; the sweeper ends the server then
  return child
}

/** As pg_ctl finds out; connecting to the port instead could meet somebody else's server. */
async function isReady(folder: string, pid: number | undefined): Promise<boolean> {
  const lines = (await readIfThere(join(folder, 'data', 'postmaster.pid'))).split('\n').map((line) => line.trim())
  return lines[0] === String(pid) && lines[7] === 'ready'
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '' // safe: node:fs throws ErrnoExceptions
    throw error
  }
}
