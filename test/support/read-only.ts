import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'

/** Does something while a folder is read-only: by its mode, or for root, whom no mode binds, by a mount over itself. */
export async function whileReadOnly(folder: string, work: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid?.() === 0
  if (isRoot) {
    execFileSync('/bin/mount', ['--bind', folder, folder])
    execFileSync('/bin/mount', ['-o', 'remount,ro,bind', folder])
  } else chmodSync(folder, 0o500)
  try {
    await work()
  } finally {
    if (isRoot) execFileSync('/bin/umount', ['--lazy', folder])
    else chmodSync(folder, 0o700)
  }
}
