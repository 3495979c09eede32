/** What is known of an address from which wrong keys came. Instants are of one clock, whichever. */
export interface AddressBlock {
  readonly failures: number
  readonly failedAt: number
  readonly blockedUntil: number
}

const MINUTE_MS = 60_000

/** From so many failures on each one blocks for so long; the strictest first. As system C has it. */
export const blockLevels = [
  { failures: 20, blockMs: 30 * MINUTE_MS },
  { failures: 10, blockMs: 5 * MINUTE_MS },
  { failures: 5, blockMs: MINUTE_MS },
] as const

/** An address from which nothing wrong came for so long begins anew; longer than any block. */
export const FORGIVEN_AFTER_MS = 60 * MINUTE_MS

/** One more failure. It counts while a block is in force, too: it was let in before that began. */
export function afterFailure(before: AddressBlock | undefined, now: number): AddressBlock {
  const isForgiven = before === undefined || now - before.failedAt > FORGIVEN_AFTER_MS
  const failures = isForgiven ? 1 : before.failures + 1
  const blockMs = blockLevels.find((level) => failures >= level.failures)?.blockMs ?? 0
  return { failures, failedAt: now, blockedUntil: Math.max(before?.blockedUntil ?? 0, now + blockMs) }
}

/** How long the block still is in force; 0 if there is none. */
export function blockedForMs(block: AddressBlock | undefined, now: number): number {
  return Math.max(0, (block?.blockedUntil ?? 0) - now)
}

/** Failures of one address that the store has not been told of; the last was so long ago. */
export interface UntoldFailures {
  readonly address: string
  readonly failures: number
  readonly agoMs: number
}

/** What all replicas together know of an address, told in distances: their clocks may differ. */
export interface SharedBlock {
  readonly address: string
  readonly failures: number
  readonly failedAgoMs: number
  /** Not above 0 where there is no block. */
  readonly blockedForMs: number
}

/** Where replicas tell one another of failures. Every method throws `StoreError`. */
export interface BlockStore {
  /** Adds failures, and answers what is known of their addresses and of all that are blocked, newest first. */
  exchange(failures: readonly UntoldFailures[]): Promise<readonly SharedBlock[]>
  /** Removes what has been forgiven. */
  prune(): Promise<void>
}
