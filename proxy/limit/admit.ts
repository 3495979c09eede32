import { type Bucket, countedAmount, msUntilBelow, TOKEN_WINDOW } from './rolling-window.ts'

/** What the calls of a key that are in flight may still spend. */
export interface InFlight {
  readonly calls: number
  /** The sum of their upper bounds, in tokens. */
  readonly upperTokens: number
}

export type Decision =
  | { readonly kind: 'admit' }
  /** The limit is spent. */
  | { readonly kind: 'refuse'; readonly usedTokens: number; readonly retryAfterMs: number }
  /** The limit is not spent, but what is in flight may spend it: ask again when a call has ended. */
  | { readonly kind: 'wait' }

/**
 * Far from its limit a key's calls run side by side. Once what is left is less than what all of them may use at most,
 * a call is let in only if its upper bound still fits, or alone: a single call may go over the limit, many may not.
 */
export function admit(
  buckets: readonly Bucket[],
  inFlight: InFlight,
  upperTokens: number,
  limit: number,
  now: number,
): Decision {
  const usedTokens = countedAmount(buckets, TOKEN_WINDOW, now)
  const left = limit - usedTokens
  if (left <= 0) {
    return { kind: 'refuse', usedTokens, retryAfterMs: msUntilBelow(buckets, TOKEN_WINDOW, limit, now) }
  }
  if (inFlight.calls === 0 || inFlight.upperTokens + upperTokens <= left) return { kind: 'admit' }
  return { kind: 'wait' }
}
