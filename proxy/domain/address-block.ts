/** What is known of an address from which wrong keys came. Instants are of one clock, whichever. */
export interface AddressBlock {
  readonly failures: number
  readonly failedAt: number
  readonly blockedUntil: number
}

/** From so many failures on each one blocks for so long. Lists of levels are ascending in both. */
export interface BlockLevel {
  readonly failures: number
  readonly blockMs: number
}

/** An address from which nothing wrong came for so long begins anew. */
export const FORGIVEN_AFTER_MS = 3_600_000

/** One more failure. It counts while a block is in force, too: it was let in before that began. */
export function afterFailure(
  before: AddressBlock | undefined,
  now: number,
  levels: readonly BlockLevel[],
): AddressBlock {
  const isForgiven = before === undefined || now - before.failedAt > FORGIVEN_AFTER_MS
  const failures = isForgiven ? 1 : before.failures + 1
  const blockMs = levels.findLast((level) => failures >= level.failures)?.blockMs ?? 0
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
  /** Adds failures, which block by these levels; answers what is known of their addresses and of all that are blocked, newest first. */
  exchange(failures: readonly UntoldFailures[], levels: readonly BlockLevel[]): Promise<readonly SharedBlock[]>
  /** Removes what has been forgiven. */
  prune(): Promise<void>
}
