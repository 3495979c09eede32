import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from './config.ts'
import { StoreError } from './domain/store-error.ts'
import { retrySettings } from './storage.ts'
import type { FallbackStore } from './store/fallback-store.ts'
import { SchemaBehind } from './store/migrate.ts'
import { jittered } from './store/retry.ts'
import type { Log } from './telemetry/log.ts'

const SCHEMA_INTERVAL_MS = 1000
/** A database that is back is to be found soon. */
const MAX_DELAY_MS = 2000

/**
 * Makes the store ready for use, or finds a snapshot to go on with. While the database is away it tries again, so
 * often as the configuration says; for a schema that is migrated elsewhere it waits as long as that takes. Resolves
 * when `signal` is aborted, too.
 */
export async function startStorage(config: Config, store: FallbackStore, log: Log, signal: AbortSignal): Promise<void> {
  let attempt = 0
  let isTold = false
  while (!signal.aborted) {
    try {
      await store.initialise()
      return
    } catch (error) {
      if (error instanceof SchemaBehind) {
        if (!isTold) log.warn(error.message)
        isTold = true
        await pause(SCHEMA_INTERVAL_MS, signal)
        continue
      }
      attempt += 1
      const mayPass = error instanceof StoreError && error.isTransient
      if (!mayPass || attempt > config.DATABASE_STARTUP_RETRIES) throw error
      const settings = retrySettings(config)
      const maxDelayMs = Math.min(settings.maxDelayMs, MAX_DELAY_MS)
      const delayMs = jittered({ ...settings, maxDelayMs }, attempt)
      log.warn({ err: error, attempt, delayMs }, 'the database is away; trying again')
      await pause(delayMs, signal)
    }
  }
}

/** The end of the signal is the end of the pause. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined)
}
