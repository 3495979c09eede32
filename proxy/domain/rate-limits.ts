/** How many requests one caller may make in a minute. */
interface RequestLimit {
  readonly enabled: boolean
  readonly requestsPerMinute: number
}

/** What holds for all callers, as it is stored and told, by system C's names. */
export interface RateLimits {
  /** Of each key that has no limit of its own. */
  readonly api: RequestLimit
  /** Of each caller of the admin API. */
  readonly portal: RequestLimit
  readonly authFailure: {
    readonly enabled: boolean
    /** From so many failures on each one blocks for so long; ascending in both. */
    readonly thresholds: readonly { readonly failures: number; readonly blockMinutes: number }[]
  }
}

/**
 * As system C has them, but that nobody is limited who was not before: whoever upgrades and says nothing must not find
 * calls refused.
 */
export const defaultRateLimits: RateLimits = {
  api: { enabled: false, requestsPerMinute: 100 },
  portal: { enabled: false, requestsPerMinute: 60 },
  authFailure: {
    enabled: true,
    thresholds: [
      { failures: 5, blockMinutes: 1 },
      { failures: 10, blockMinutes: 5 },
      { failures: 20, blockMinutes: 30 },
    ],
  },
}
