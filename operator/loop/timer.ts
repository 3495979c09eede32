/** The time as an argument: tests of the queue bring one of their own. */
export interface Timer {
  /** Milliseconds that never go back. */
  now(): number
  /** Calls once, later; what it gives calls it off. */
  after(delayMs: number, run: () => void): () => void
}

export const realTimer: Timer = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timeout = setTimeout(run, delayMs)
    return () => clearTimeout(timeout)
  },
}
