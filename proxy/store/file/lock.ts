import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { StoreError } from '../../domain/store-error.ts'
import { ulid } from '../../domain/ulid.ts'
import { leftoverPath } from './leftovers.ts'

/**
 * System A's lock: whoever makes the folder `<file>.lock` has it. Its weakness was that a process which died with the
 * lock left it to block everyone for ever, so ours says in it who holds it.
 */
const HOLDER = 'holder.json'
/** A holder that cannot be asked, because it is on another machine or is system A, counts as dead after this long. */
const STALE_MS = 10_000
const REFRESH_MS = 2000
const RETRY_MS = 50

const PLACE = placeOf()

const holderSchema = z.object({
  pid: z.int().positive(),
  /** Where this number is that of a process: containers may share a host's name and count their processes alone. */
  place: z.string(),
  /** When the process began, in the kernel's ticks; without it a pid that was given out again would look alive. */
  started: z.string().optional(),
  /** Of this one holding. */
  id: z.string(),
})

type Holder = z.infer<typeof holderSchema>

/** Does the work under the lock of the file. `isHeld` tells whether it was taken away, as from a process that was stopped. */
export async function withLock<T>(
  file: string,
  waitMs: number,
  work: (isHeld: () => boolean) => Promise<T>,
): Promise<T> {
  const lock = `${file}.lock`
  const id = ulid()
  await take(file, lock, id, waitMs)
  const refresh = setInterval(() => touch(lock), REFRESH_MS).unref()
  const isHeld = (): boolean => holderOf(lock)?.id === id
  try {
    return await work(isHeld)
  } finally {
    clearInterval(refresh)
    if (isHeld()) remove(file, lock)
  }
}

async function take(file: string, lock: string, id: string, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs
  for (;;) {
    // Twice: where a dead holder's lock was broken, it is free now.
    if (tryMake(lock, id)) return
    if (isStale(lock)) {
      remove(file, lock)
      if (tryMake(lock, id)) return
    }
    if (Date.now() > deadline) {
      const sentence = `the lock ${lock} is held; if no process is using the file, remove that folder`
      // Not `connection`: the keys can be read all the same, and only what was used has to wait.
      throw new StoreError('query', sentence, { operation: 'lock the key file', code: 'EEXIST', isTransient: true })
    }
    // By chance, or two that began together would meet each time.
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * RETRY_MS))
  }
}

function tryMake(lock: string, id: string): boolean {
  const started = startOf(process.pid)
  const holder: Holder = { pid: process.pid, place: PLACE, ...(started && { started }), id }
  // Ready before the folder is made: whoever dies between the two leaves a lock that says nothing.
  const text = JSON.stringify(holder)
  try {
    mkdirSync(lock)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  try {
    writeFileSync(join(lock, HOLDER), text)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false // broken already, by someone who had judged the one before
    rmSync(lock, { recursive: true, force: true })
    throw error
  }
}

/**
 * Renamed first: of several who find it stale one wins, and nobody meets a lock that is half gone. One that was judged
 * a moment before another took it anew is removed too: its holder sees that before it writes, and begins again.
 */
function remove(file: string, lock: string): void {
  const away = leftoverPath(file)
  try {
    renameSync(lock, away)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  rmSync(away, { recursive: true, force: true })
}

function isStale(lock: string): boolean {
  const holder = holderOf(lock)
  if (holder?.place === PLACE) return !isAlive(holder)
  const madeAt = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
  return madeAt !== undefined && Date.now() - madeAt > STALE_MS
}

/** Undefined for a lock of system A, and for one that was made this moment. */
function holderOf(lock: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(join(lock, HOLDER), 'utf8')))
  } catch {
    return undefined
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
  return startOf(pid) === started
}

/** Field 22 of proc_pid_stat(5); undefined for a dead process that waits for its parent, and where there is no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses before them may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function placeOf(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

function touch(lock: string): void {
  try {
    utimesSync(lock, new Date(), new Date())
  } catch {
    // Taken away: the holder is told by `isHeld`.
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code // safe: node:fs and process.kill throw ErrnoExceptions
}
