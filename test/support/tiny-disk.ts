import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A file system of 64 KB. */
export interface TinyDisk {
  readonly path: string
  /** Takes all whole pages that are left; what has begun a page can still fill it. */
  fill(): void
  makeRoom(): void
}

/** Undefined where mounting is not allowed; the test is skipped then. */
export function mountTinyDisk(t: TestContext): TinyDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'tg-'))
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', path], { stdio: 'pipe' })
  } catch {
    rmdirSync(path)
    t.skip('a file system can only be mounted by root')
    return undefined
  }
  t.after(() => {
    execFileSync('/bin/umount', ['--lazy', path])
    rmdirSync(path)
  })
  const ballast = join(path, 'ballast')
  return {
    path,
    fill() {
      const page = Buffer.alloc(4096)
      try {
        for (;;) appendFileSync(ballast, page)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error // safe: node:fs throws ErrnoExceptions
      }
    },
    makeRoom: () => rmSync(ballast),
  }
}
