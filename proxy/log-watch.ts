import { setTimeout as pause } from 'node:timers/promises'
import type { LogListener, LogStore, LogWatch } from './domain/log.ts'

interface LogWatchParts {
  readonly endedSince: LogStore['endedSince']
  /** The time that all replicas agree on. */
  readonly now: () => number
  readonly pollIntervalMs: number
  /** Told when the look fails after one that did not. */
  readonly onError: (error: unknown) => void
}

const MAX_LISTENERS = 100
/** An entry is in the database a moment after its call has ended, and one of another replica may be later. */
const LOOK_BACK_MS = 5000
/** How many looks that find nothing make the listeners hear so. */
const SILENT_LOOKS = 15

/**
 * Shows those who watch the calls of all replicas as they end. One look a second serves all of them, and nobody looks
 * when nobody watches. What comes into the database more than five seconds late (the spool of a process that was away)
 * is not shown: the list has it.
 */
export function createLogWatch({
  endedSince,
  now,
  pollIntervalMs,
  onError,
}: LogWatchParts): LogWatch & { stop(): void } {
  const listeners = new Set<LogListener>()
  /** When what was seen had ended, by id. */
  const seen = new Map<string, number>()
  let watch = new AbortController()
  watch.abort()
  let isStopped = false

  /** Until nobody watches any more. */
  const lookOn = async (watchedSince: number, { signal }: AbortController): Promise<void> => {
    let silentLooks = 0
    let hasFailed = false
    for (;;) {
      await pause(pollIntervalMs, undefined, { signal })
      const since = Math.max(watchedSince, now() - LOOK_BACK_MS)
      try {
        const entries = (await endedSince(since)).filter(({ id }) => !seen.has(id))
        hasFailed = false
        if (signal.aborted) return
        for (const [id, endedAt] of seen) if (endedAt < since) seen.delete(id)
        for (const { id, admittedAt, durationMs } of entries) seen.set(id, admittedAt + durationMs)
        silentLooks = entries.length === 0 ? silentLooks + 1 : 0
        if (silentLooks % SILENT_LOOKS === 0) for (const listener of listeners) listener.tell(entries, now())
      } catch (error) {
        if (!hasFailed) onError(error)
        hasFailed = true
      }
    }
  }

  return {
    join(listener) {
      if (isStopped || listeners.size === MAX_LISTENERS) return undefined
      listeners.add(listener)
      if (watch.signal.aborted) {
        watch = new AbortController()
        seen.clear()
        void lookOn(now(), watch).catch(() => undefined) // the wait was cut short
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) watch.abort()
      }
    },
    stop() {
      isStopped = true
      watch.abort()
      for (const listener of listeners) listener.end()
      listeners.clear()
    },
  }
}
