import type { BlockLevel } from './domain/address-block.ts'
import { defaultRateLimits, type RateLimits } from './domain/rate-limits.ts'
import type { OperationParts } from './http/operations.ts'
import { createRequestCounter } from './limit/request-counter.ts'

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
  /** Takes over what administrators have set; undefined are the limits by default. */
  readonly load: (set: RateLimits | undefined) => void
}

export function createRateLimits(): RateLimitSettings {
  let inForce = inForceOf(defaultRateLimits)
  const counter = createRequestCounter()
  return {
    inForce: () => inForce,
    countRequest: (caller, at) =>
      inForce.portalRpm === null ? undefined : counter.count(caller, inForce.portalRpm, at),
    load: (set = defaultRateLimits) => void (inForce = inForceOf(set)),
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
