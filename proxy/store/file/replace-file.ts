import { type BigIntStats, renameSync, statSync } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { leftoverPath } from './leftovers.ts'

const PERMISSIONS = 0o777

/** What tells one state of a file from the next without reading it. */
export function identityOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs}`
}

/**
 * Puts a whole new file in the place of the old one, so that a reader sees either. Answers the new one's stat; undefined
 * if by then the old one was not `before` any more, or `isHeld` said no.
 */
export async function replaceFile(
  path: string,
  text: string,
  before: string,
  isHeld: () => boolean,
): Promise<BigIntStats | undefined> {
  const old = await stat(path)
  const making = leftoverPath(path)
  try {
    // Its mode from the beginning: nobody may read the keys who could not before.
    const file = await open(making, 'wx', 0o600)
    let stats: BigIntStats
    try {
      await file.chown(old.uid, old.gid).catch(() => undefined) // not everyone may give a file away
      await file.chmod(old.mode & PERMISSIONS)
      await file.writeFile(text)
      await file.sync()
      stats = await file.stat({ bigint: true })
    } finally {
      await file.close()
    }
    // Nothing of this process comes between these: whoever saves the file by hand has microseconds to be overlooked.
    if (!isHeld() || identityOf(statSync(path, { bigint: true })) !== before) {
      await rm(making)
      return undefined
    }
    renameSync(making, path)
    await syncFolder(dirname(path))
    return stats
  } catch (error) {
    await rm(making, { force: true })
    throw error
  }
}

/** Without it a machine that stops may have the old file again. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
