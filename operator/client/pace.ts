import { setTimeout as wait } from 'node:timers/promises'

/** Resolves when it is the caller's turn. */
export type Pace = (signal?: AbortSignal) => Promise<void>

/**
 * So many calls a second, and so many at once after a rest (a token bucket): whoever looks after hundreds of stores
 * would otherwise ask for all of their Secrets in the moment in which it begins to.
 */
export function createPace(perSecond: number, burst: number): Pace {
  const intervalMs = 1000 / perSecond
  /** When the bucket would be full again if nobody else came. */
  let fullAt = 0
  return async (signal) => {
    const now = performance.now()
    fullAt = Math.max(fullAt, now) + intervalMs
    const waitMs = fullAt - now - burst * intervalMs
    if (waitMs > 0) await wait(waitMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted())
  }
}
