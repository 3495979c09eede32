/** The window of a key as it stands: what `/stats` and a 429 tell. */
export interface WindowState {
  readonly usedTokens: number
  readonly startedAt: number
  /** When enough will have left for a call to be let in; with room left, when the oldest spend leaves. */
  readonly endsAt: number
  readonly lifetimeTokens: number
  readonly lastUsedAt: number | null
}
