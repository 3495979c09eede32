/** The time that all replicas agree on: the store's, carried on by this machine's monotonic clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** The store said `storeNow` in an answer that took `elapsedMs`; it read its clock about in the middle. */
  correct(storeNow: number, elapsedMs: number): void
}

/** Until the first correction it is this machine's own clock. */
export function createClock(): Clock {
  let offset: number | undefined
  return {
    now: () => (offset === undefined ? Date.now() : Math.floor(offset + performance.now())),
    correct(storeNow, elapsedMs) {
      offset = storeNow + elapsedMs / 2 - performance.now()
    },
  }
}
