import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ulid } from '../../domain/ulid.ts'

/** Nobody works on one for so long. */
const LEFT_AFTER_MS = 60_000
const SUFFIX = /^\.[0-9A-HJKMNP-TV-Z]{26}\.tmp$/

/** Beside the file, since only within one file system a rename is atomic. */
export function leftoverPath(file: string): string {
  return `${file}.${ulid()}.tmp`
}

/** Removes what processes left that were killed while they wrote: such a file holds every key. */
export async function sweepLeftovers(file: string): Promise<void> {
  const folder = dirname(file)
  const name = basename(file)
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(name) || !SUFFIX.test(entry.slice(name.length))) continue
    const path = join(folder, entry)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
    if (Date.now() - mtimeMs > LEFT_AFTER_MS) await rm(path, { recursive: true, force: true })
  }
}
