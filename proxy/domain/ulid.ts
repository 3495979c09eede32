import { randomFillSync } from 'node:crypto'
import { monotonicFactory } from 'ulid'

const pool = Buffer.alloc(4096)
let used = pool.length

/** Random numbers from a pool: the library's own source asks the kernel for one byte at a time. */
function random(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return (pool[used++] ?? 0) / 256
}

/** A ULID (https://github.com/ulid/spec): 48 bits of milliseconds, 80 random bits; ascending within a process. */
export const ulid: () => string = monotonicFactory(random)
