/** How a channel's last calls ended, and whether it is left alone because of that. */
export interface Breaker {
  /** Whether a call may go to the channel: calls go well enough, or it is time to try whether they do. */
  isClosed(now: number): boolean
  /** A call goes to the channel. */
  began(now: number): void
  /** The call ended. Answers until when the channel is left alone if it was this call that decided it. */
  ended(hasSucceeded: boolean, now: number): number | undefined
  /** The call never reached the channel. */
  withdrew(): void
  /** The share of the last calls that failed. */
  failureRate(): number
  /** When it is tried again; undefined while nothing is wrong. */
  openUntil(): number | undefined
  reset(): void
}

const MIN_CALLS = 5
/** Of so many calls; a channel is left alone for so long. */
export const breakerRules = { windowCalls: 10, maxFailureRate: 0.5, openMs: 15 * 60_000 } as const
/** A probe of which nothing is heard for so long, since its caller has gone, does not keep others from trying. */
const PROBE_MS = 2 * 60_000

export function createBreaker(): Breaker {
  let failures: boolean[] = []
  let openUntil: number | undefined
  let probedAt = -Infinity

  const reset = (): void => {
    failures = []
    openUntil = undefined
    probedAt = -Infinity
  }
  const failureRate = (): number => (failures.length === 0 ? 0 : failures.filter(Boolean).length / failures.length)

  return {
    reset,
    failureRate,
    openUntil: () => openUntil,
    isClosed: (now) => openUntil === undefined || (now >= openUntil && now - probedAt >= PROBE_MS),
    began(now) {
      if (openUntil !== undefined && now >= openUntil) probedAt = now
    },
    withdrew() {
      probedAt = -Infinity
    },
    ended(hasSucceeded, now) {
      const isProbe = openUntil !== undefined && now >= openUntil
      if (isProbe && hasSucceeded) {
        reset()
        return undefined
      }
      failures = [...failures, !hasSucceeded].slice(-breakerRules.windowCalls)
      const isFailing = failures.length >= MIN_CALLS && failureRate() >= breakerRules.maxFailureRate
      const opens = isProbe || (openUntil === undefined && !hasSucceeded && isFailing)
      if (!opens) return undefined
      probedAt = -Infinity
      openUntil = now + breakerRules.openMs
      return openUntil
    },
  }
}
