import type { BlockLevel } from './domain/address-block.ts'
import { defaultRateLimits, type RateLimits } from './domain/rate-limits.ts'
import type { OperationParts } from './http/operations.ts'
import { createRequestCounter } from './limit/request-counter.ts'
import type { SettingStore } from './store/settings.ts'

/** The name of the setting: a `RateLimits`. */
const RATE_LIMITS = 'ratelimit'
const MINUTE_MS = 60_000

/** The limits of all callers, as they are in force. */
interface InForce {
  /** Requests in a minute, of each key that has no limit of its own. */
  readonly apiRpm: number | null
  /** Requests in a minute, of each caller of the admin API. */
  readonly portalRpm: number | null
  /** Of addresses that send wrong keys; none where nobody is blocked. */
  readonly blockLevels: readonly BlockLevel[]
}

export interface RateLimitSettings {
  readonly inForce: () => InForce
  /** Counts a request of a caller of the admin API, while they are limited. */
  readonly countRequest: OperationParts['countRequest']
  /** Reads them again; after a failure those before stay. */
  reload(): Promise<void>
  /** Reads them if that never worked. */
  readOnce(): Promise<void>
}

/** Without a database the limits are those by default. */
export function createRateLimits(settings: Pick<SettingStore, 'get'> | undefined): RateLimitSettings {
  let inForce = inForceOf(defaultRateLimits)
  let isRead = settings === undefined
  const read = async (): Promise<void> => {
    const set = (await settings?.get(RATE_LIMITS)) as RateLimits | undefined // safe: the admin API has checked it
    inForce = inForceOf(set ?? defaultRateLimits)
    isRead = true
  }
  /** One after the other: what was read first must not come last. */
  let reading = Promise.resolve()
  const reload = (): Promise<void> => {
    const done = reading.then(read)
    reading = done.catch(() => undefined)
    return done
  }
  const counter = createRequestCounter()
  return {
    inForce: () => inForce,
    countRequest: (caller, at) =>
      inForce.portalRpm === null ? undefined : counter.count(caller, inForce.portalRpm, at),
    reload,
    readOnce: () => (isRead ? Promise.resolve() : reload()),
  }
}

function inForceOf({ api, portal, authFailure }: RateLimits): InForce {
  return {
    apiRpm: api.enabled ? api.requestsPerMinute : null,
    portalRpm: portal.enabled ? portal.requestsPerMinute : null,
    blockLevels: authFailure.enabled
      ? authFailure.thresholds.map(({ failures, blockMinutes }) => ({ failures, blockMs: blockMinutes * MINUTE_MS }))
      : [],
  }
}
