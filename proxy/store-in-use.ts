import type { Assembly } from './assemble.ts'
import type { Config } from './config.ts'
import { keepSnapshots, type Snapshots } from './snapshots.ts'
import type { Storage } from './storage.ts'
import { createFallbackStore, type FallbackStore } from './store/fallback-store.ts'
import type { Log } from './telemetry/log.ts'

export interface StoreInUse {
  readonly store: FallbackStore
  readonly snapshots: Snapshots
  /** Calls `work` whenever the store has come back. */
  readonly whenBack: (work: () => void) => void
}

/** The store with what it goes on with while the database is away. */
export function useStorage(config: Config, storage: Storage, log: Log, rooms: () => Assembly): StoreInUse {
  const waiting: (() => void)[] = []
  const hasSnapshots = storage.type === 'postgres' && config.STORAGE_FALLBACK_ENABLED
  const store = createFallbackStore(
    storage.store,
    {
      isEnabled: hasSnapshots,
      retryIntervalMs: config.STORAGE_FALLBACK_RETRY_INTERVAL_MS,
      maxRetries: config.STORAGE_FALLBACK_MAX_RETRIES,
      maxStaleMs: config.KEY_MAX_STALE_MS,
    },
    {
      readSnapshot: () => snapshots.read(),
      onSnapshot({ configuration }) {
        if (configuration !== undefined) rooms().configured.restore(configuration)
      },
      onAway: (error) => log.error({ err: error }, 'the database is away; known keys go on from memory'),
      onRetry(retryCount, error) {
        if (config.STORAGE_FALLBACK_VERBOSE_LOGGING) log.warn({ retryCount, error }, 'the database is still away')
      },
      onBack() {
        log.info('the database is back')
        for (const work of waiting) work()
      },
    },
  )
  const snapshots = keepSnapshots({
    dataDir: config.DATA_DIR,
    source: storage.source,
    intervalMs: config.SNAPSHOT_INTERVAL_MS,
    store,
    known() {
      const { authenticator, limits } = rooms()
      return [...authenticator.known()].map((key) => ({ ...key, usage: limits.limiter.usage(key) }))
    },
    configuration: () => rooms().configured.keep(),
    freshAt() {
      const status = store.status()
      return status.isAway || !hasSnapshots ? undefined : status.freshAt
    },
    onUseless: (why) => log.warn({ why }, 'the snapshot in DATA_DIR is not used'),
    onError: (error) => log.error({ err: error }, 'the snapshot cannot be written'),
  })
  return { store, snapshots, whenBack: (work) => void waiting.push(work) }
}
