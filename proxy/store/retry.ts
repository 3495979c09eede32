import { storeError } from './engine-errors.ts'

/** System A's `DB_RETRY_*`. Times are milliseconds. */
export interface RetrySettings {
  /** How often it is tried again. */
  readonly max: number
  readonly delayMs: number
  /** Each pause is so many times the one before, up to `maxDelayMs`. */
  readonly backoff: number
  readonly maxDelayMs: number
  readonly onRetry: (error: Error, attempt: number, delayMs: number) => void
}

export const NO_RETRY: RetrySettings = { max: 0, delayMs: 0, backoff: 1, maxDelayMs: 0, onRetry: () => {} }

/** An attempt that takes so long has waited for an answer in vain, and the next one would. */
const PATIENCE_MS = 5000

/**
 * Does `work`, again after a pause where the store was away and waiting may help. `work` must be such that doing it
 * twice is doing it once: the answer to a change that was made can have been lost. Throws `StoreError`.
 */
export async function retrying<T>(operation: string, settings: RetrySettings, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (cause) {
      const error = storeError(operation, cause)
      const isLate = performance.now() - startedAt > PATIENCE_MS
      if (!error.isTransient || isLate || attempt > settings.max) throw error
      const delayMs = jittered(settings, attempt)
      settings.onRetry(error, attempt, delayMs)
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
  }
}

/** Half of the pause is chance, so that many processes do not come back in step. */
export function jittered({ delayMs, backoff, maxDelayMs }: RetrySettings, attempt: number): number {
  const ceiling = Math.min(maxDelayMs, delayMs * backoff ** (attempt - 1))
  return Math.round(ceiling * (0.5 + Math.random() / 2))
}
