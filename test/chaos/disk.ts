import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of its own, in memory. */
export interface Disk {
  readonly path: string
  /** Takes all that is left. */
  fill(): void
  makeRoom(): void
  unmount(): void
}

/** Undefined where mounting is not allowed. */
export function mountDisk(megabytes: number): Disk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'tg-'))
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', path], { stdio: 'pipe' })
  } catch {
    rmdirSync(path)
    return undefined
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fill() {
      for (const bytes of [1 << 20, 1 << 12]) append(ballast, Buffer.alloc(bytes))
    },
    makeRoom: () => rmSync(ballast, { force: true }),
    unmount() {
      execFileSync('/bin/umount', ['--lazy', path])
      rmdirSync(path)
    },
  }
}

/** As often as there is room. */
function append(path: string, bytes: Buffer): void {
  try {
    for (;;) appendFileSync(path, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error // safe: node:fs throws ErrnoExceptions
  }
}
