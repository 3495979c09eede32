/** What an upstream's refusal says: its status, and what its body and its headers tell besides. */
export interface Refusal {
  readonly status: number
  /** Which of the failures with that status it is, in the words of the rules (`QUOTA_EXHAUSTED`). */
  readonly subtype?: string
  /** How long the upstream wants to be left alone. */
  readonly waitMs?: number
  /** How long the account is of no use: what it may use of a long window is used up. */
  readonly suspendMs?: number
}

/**
 * How an attempt failed. `network`: no answer came, or it broke off before it said anything. `busy`: the channel has no
 * room in its own limits, which says nothing about its upstream.
 */
export type Failure = { readonly kind: 'network' } | ({ readonly kind: 'status' } & Refusal) | { readonly kind: 'busy' }
