import { hashesOf, type KeyRecord } from '../domain/key.ts'
import type { Store } from '../domain/store.ts'
import { isAway, StoreError } from '../domain/store-error.ts'
import type { Snapshot } from './snapshot-file.ts'

/** System A's `STORAGE_FALLBACK_*` and how old the last truth may be. Times are milliseconds. */
export interface FallbackSettings {
  readonly isEnabled: boolean
  /** How often the store is looked for while it is away. */
  readonly retryIntervalMs: number
  /** After so many looks in vain nobody is let in on old information; 0 is never. */
  readonly maxRetries: number
  readonly maxStaleMs: number
}

export interface FallbackEvents {
  /** The last snapshot on local disk, if there is one of this database. */
  readonly readSnapshot: () => Promise<Snapshot | undefined>
  /** It is what there is to go on with. */
  readonly onSnapshot: (snapshot: Snapshot) => void
  readonly onAway: (error: Error) => void
  readonly onRetry: (retries: number, error: string) => void
  /** The store is back and its schema verified. */
  readonly onBack: () => void
}

interface FallbackStatus {
  readonly isAway: boolean
  /** When what is in memory was last known to be the truth; 0 is never. */
  readonly freshAt: number
  readonly retryCount: number
  readonly lastRetryAt: number | null
}

export interface FallbackStore extends Store {
  status(): FallbackStatus
  /** What is in memory was the truth at this moment. */
  freshen(at: number): void
  /** Whether calls may be let in on what is in memory. */
  isFresh(): boolean
  /** Whether the schema of the store has been verified, here or by the process that made the snapshot. */
  isVerified(): boolean
}

interface Outage {
  /** Why the store is away; undefined while it is not. */
  readonly error: () => StoreError | undefined
  readonly begin: (error: StoreError) => void
  readonly end: () => void
  readonly status: () => Pick<FallbackStatus, 'isAway' | 'retryCount' | 'lastRetryAt'>
  /** Looks no more. */
  readonly stop: () => void
}

/** Whether the store is away, and while it is, a look for it at every interval. `look` throws while it is not there. */
function createOutage(
  look: () => Promise<void>,
  retryIntervalMs: number,
  { onAway, onRetry, onBack }: Omit<FallbackEvents, 'readSnapshot' | 'onSnapshot'>,
): Outage {
  let away: StoreError | undefined
  let retryCount = 0
  let lastRetryAt: number | null = null
  let timer: NodeJS.Timeout | undefined

  const end = (): void => {
    if (away === undefined) return
    clearTimeout(timer)
    away = undefined
    onBack()
  }
  const retry = async (): Promise<void> => {
    retryCount += 1
    lastRetryAt = Date.now()
    try {
      await look()
      end()
    } catch (error) {
      onRetry(retryCount, String(error))
      if (away !== undefined) schedule()
    }
  }
  /** In place of a look that waits: the store may have come back and left again while we were looking. */
  const schedule = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => void retry(), retryIntervalMs).unref()
  }
  return {
    error: () => away,
    begin(error) {
      if (away === undefined) {
        retryCount = 0
        onAway(error)
        schedule()
      }
      away = error
    },
    end,
    status: () => ({ isAway: away !== undefined, retryCount, lastRetryAt }),
    stop: () => clearTimeout(timer),
  }
}

/**
 * A store in front of one that can be away. While it is, known keys go on from the last snapshot, unknown ones are
 * refused with an error that says so, entries wait in the spool, and the store is looked for until it is back.
 */
export function createFallbackStore(store: Store, settings: FallbackSettings, events: FallbackEvents): FallbackStore {
  let isInitialised = false
  let freshAt = 0
  let snapshot: ReadonlyMap<string, KeyRecord> | undefined

  const look = async (): Promise<void> => {
    if (isInitialised) return pinged(store)
    await store.initialise()
    isInitialised = true
  }
  const outage = createOutage(look, settings.retryIntervalMs, {
    ...events,
    onBack() {
      snapshot = undefined
      events.onBack()
    },
  })

  /** Nobody waits for a store that is known to be away; the ledger, which waits gladly, is how we learn that it is not. */
  const ask = async <T>(work: () => Promise<T>, isPatient = false): Promise<T> => {
    const away = outage.error()
    if (away !== undefined && (!isPatient || !isInitialised)) throw away
    try {
      const answer = await work()
      outage.end()
      return answer
    } catch (error) {
      if (isAway(error)) outage.begin(error)
      throw error
    }
  }

  const isFresh = (): boolean => {
    const { isAway: isOut, retryCount } = outage.status()
    if (isOut && settings.maxRetries > 0 && retryCount >= settings.maxRetries) return false
    return Date.now() - freshAt <= settings.maxStaleMs
  }

  return {
    async initialise() {
      try {
        await store.initialise()
        isInitialised = true
      } catch (error) {
        if (!isAway(error) || !settings.isEnabled) throw error
        const last = await events.readSnapshot()
        if (last === undefined || Date.now() - last.freshAt > settings.maxStaleMs) throw error
        snapshot = new Map(last.keys.flatMap((key) => hashesOf(key).map((hash) => [hash, key] as const)))
        freshAt = last.freshAt
        events.onSnapshot(last)
        outage.begin(error)
      }
    },
    async findByHash(hash, usedSince) {
      // What dead processes left in their spools has to be counted first, or the key's window would lack it for ever.
      if (freshAt === 0) throw new StoreError('connection', 'the store is not ready yet', { operation: 'find a key' })
      try {
        return await ask(() => store.findByHash(hash, usedSince))
      } catch (error) {
        const known = isAway(error) && isFresh() ? snapshot?.get(hash) : undefined
        if (known === undefined) throw error
        return known
      }
    },
    usageOf: (id, usedSince) => ask(() => store.usageOf(id, usedSince)),
    findByIds: (ids) => ask(() => store.findByIds(ids)),
    ...(store.findInUse && { findInUse: store.findInUse.bind(store) }),
    revision: () => ask(() => store.revision()),
    ...(store.keyRevision && { keyRevision: () => ask(async () => store.keyRevision?.() ?? '') }),
    write: (batch) => ask(() => store.write(batch), true),
    markOf: (spool) => ask(() => store.markOf(spool), true),
    prune: (logsBefore, windowsBefore, now) => ask(() => store.prune(logsBefore, windowsBefore, now)),
    ...(store.listen && { listen: store.listen.bind(store) }),
    ping: () => store.ping(),
    async close() {
      outage.stop()
      await store.close()
    },
    status: () => ({ ...outage.status(), freshAt }),
    freshen: (at) => void (freshAt = Math.max(freshAt, at)),
    isFresh,
    isVerified: () => isInitialised || snapshot !== undefined,
  }
}

async function pinged(store: Store): Promise<void> {
  const { error } = await store.ping()
  if (error !== undefined) throw new Error(error)
}
