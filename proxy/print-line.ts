import { writeSync } from 'node:fs'

const STDOUT = 1
const PAUSE_MS = 5
/** Nobody reads: what is printed stands in the spool as well. */
const PATIENCE_MS = 10_000

/**
 * Writes a line to standard output, all of it, before it returns. `process.stdout` would keep what a full pipe does not
 * take, and the log, which writes by itself, would go on in the middle of the line: neither could be read back.
 */
export function printLine(text: string): void {
  const bytes = Buffer.from(`${text}\n`)
  let triedSince = performance.now()
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(STDOUT, bytes, at)
      triedSince = performance.now()
    } catch (error) {
      const isFull = (error as NodeJS.ErrnoException).code === 'EAGAIN' // safe: node:fs throws ErrnoExceptions
      if (!isFull || performance.now() - triedSince > PATIENCE_MS) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}
