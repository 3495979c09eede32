import type { Store } from './domain/store.ts'

export interface Watch {
  /** Looks now, and answers when what it found has been told. */
  check(): Promise<void>
  stop(): void
}

interface WatchEvents {
  /** The keys have changed, or may have: what is in memory has to be read again. */
  readonly onChange: () => Promise<void>
  /** What is in memory was the truth at this moment. */
  readonly onFresh: (at: number) => void
  readonly onError: (error: unknown) => void
}

/** While the store tells of changes by itself it is only asked whether it is still there, and whether a hint was lost. */
const LISTENING_INTERVAL_MS = 1000

/** Looks at the revision of the keys: at every hint of the store, every second while it gives hints, else every `intervalMs`. */
export function watchKeys(store: Store, intervalMs: number, { onChange, onFresh, onError }: WatchEvents): Watch {
  let seen: string | undefined
  /** Before the first look that worked there may have been a change. */
  let hasMissed = false
  let reported: string | undefined
  let looking = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  const look = async (): Promise<void> => {
    const startedAt = Date.now()
    try {
      const revision = await store.revision()
      if (revision !== seen && (seen !== undefined || hasMissed)) await onChange()
      seen = revision // after the change was told, so that a failure is tried again
      reported = undefined
      onFresh(startedAt)
    } catch (error) {
      hasMissed = true
      // An outage is told once, and not at every look.
      if (String(error) !== reported) onError(error)
      reported = String(error)
      throw error
    }
  }
  /** One after the other: a hint that comes during a look may be of a change that the look did not see. */
  const check = (): Promise<void> => {
    const done = looking.then(look)
    looking = done.catch(() => undefined)
    return done
  }
  /** A hint comes here, too: with the first one the store begins to tell, and is to be asked whether it still does. */
  const tick = async (): Promise<void> => {
    await check().catch(() => undefined)
    clearTimeout(timer)
    if (isStopped) return
    const pauseMs = listening?.isStanding() ? Math.min(LISTENING_INTERVAL_MS, intervalMs) : intervalMs
    timer = setTimeout(() => void tick(), pauseMs).unref()
  }
  const listening = store.listen?.(() => void tick())
  void tick()
  return {
    check,
    stop() {
      isStopped = true
      clearTimeout(timer)
      listening?.stop()
    },
  }
}
