/** Whether a call may draw on a limit. */
export type Verdict =
  | { readonly kind: 'admit' }
  /** It is spent; `endsAt` is when enough will have left. */
  | { readonly kind: 'refuse'; readonly used: number; readonly endsAt: number }
  /** It is not spent, but calls in flight may spend it, or other replicas hold it: ask again when something has changed. */
  | { readonly kind: 'wait' }
  /** The store that shares it is away, and what this process may spend on its own is spent. */
  | { readonly kind: 'unknown' }

/** One limited thing, on which calls draw: the tokens of a key, its requests, its money. */
export interface Pot {
  /** `asker` is the same each time that a call which waits asks again. */
  verdict(upper: number, now: number, asker?: object): Verdict
  /** Takes what a call can use at most. Exactly one `settle` or `release` follows. */
  reserve(upper: number, admittedAt: number): void
  /** The call has used `actual`. */
  settle(upper: number, actual: number, admittedAt: number, now: number): void
  /** The call did not happen. */
  release(upper: number, admittedAt: number, now: number): void
  /** What is left of the limit for calls that are not in flight, as far as is known. */
  left(now: number): number
  /** When the oldest spend leaves, or, once it is spent, when a call fits again. */
  endsAt(now: number): number
}
