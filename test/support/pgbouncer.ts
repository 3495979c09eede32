import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { chown, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './gateway.ts'
import { randomPort, serverEnvironment, serverUser, startSweeper, type Sweeper } from './postgres-binaries.ts'
import type { PostgresServer } from './postgres.ts'

const PROGRAM = '/usr/sbin/pgbouncer'

/** How many ports to try: each is taken by somebody else once in thousands of times. */
const PORTS = 5

/** PgBouncer in front of a server: it pools transactions over so many connections, and all else is as it comes. */
export async function startPgbouncer(
  server: PostgresServer,
  poolSize = 20,
): Promise<{ url(database: string): string; close(): Promise<void> }> {
  if (!existsSync(PROGRAM)) throw new Error('PgBouncer is needed: apt-get install pgbouncer')
  const folder = await mkdtemp(join(tmpdir(), 'tg-pgbouncer-'))
  const sweeper = startSweeper(folder)
  try {
    for (let tries = 1; ; tries++) {
      const port = randomPort()
      const child = await spawnPgbouncer(folder, server, port, poolSize)
      sweeper.watch(child.pid)
      child.once('exit', () => sweeper.watch(undefined))
      try {
        await untilItListens(child, folder)
        return { url: (database) => server.url(database, port), close: () => close(child, sweeper) }
      } catch (error) {
        if (tries === PORTS || !String(error).includes('Address already in use')) throw error
      }
    }
  } catch (error) {
    await sweeper.sweep()
    throw error
  }
}

async function spawnPgbouncer(
  folder: string,
  server: PostgresServer,
  port: number,
  poolSize: number,
): Promise<ChildProcess> {
  await writeFile(join(folder, 'users'), `"postgres" "${server.password}"\n`)
  await writeFile(
    join(folder, 'settings'),
    `[databases]
    * = host=127.0.0.1 port=${server.port}
    [pgbouncer]
    listen_addr = 127.0.0.1
    listen_port = ${port}
    unix_socket_dir =
    auth_type = scram-sha-256
    auth_file = users
    pool_mode = transaction
    default_pool_size = ${poolSize}`,
  )
  const user = serverUser()
  if (user) for (const name of ['.', 'users', 'settings']) await chown(join(folder, name), user.uid, user.gid)
  const log = openSync(join(folder, 'log'), 'w')
  const child = spawn(PROGRAM, ['settings'], {
    cwd: folder,
    env: serverEnvironment(),
    stdio: ['ignore', log, log],
    ...user,
  })
  closeSync(log)
  child.unref() // so that a test file that has done everything else can end; the sweeper ends PgBouncer then
  return child
}

async function untilItListens(child: ChildProcess, folder: string): Promise<void> {
  await until('PgBouncer listens', async () => {
    const hasEnded = child.exitCode !== null || child.signalCode !== null
    const log = await readFile(join(folder, 'log'), 'utf8')
    if (hasEnded) throw new Error(`PgBouncer did not start: ${log}`)
    return log.includes('process up')
  })
}

async function close(child: ChildProcess, sweeper: Sweeper): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.ref()
    const exit = once(child, 'exit')
    child.kill('SIGTERM') // PgBouncer's word for at once
    await exit
  }
  await sweeper.sweep()
}
