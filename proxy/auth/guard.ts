import {
  type AddressBlock,
  afterFailure,
  blockedForMs,
  type BlockLevel,
  type SharedBlock,
  type UntoldFailures,
} from '../domain/address-block.ts'

/** Who sends wrong keys, and from where none is looked up for a while. Addresses are as `countedAddress` says them. */
export interface Guard {
  /** How long nothing from there is looked up; 0 where it is. */
  blockedForMs(address: string): number
  /** A wrong key came from there. */
  failed(address: string): void
  /** Failures that were never taken, oldest first; they are the caller's to tell, or to put back. */
  takeUntold(max: number): readonly UntoldFailures[]
  putBack(untold: readonly UntoldFailures[]): void
  /** What all replicas together know. `told`: the failures that were just told to them. */
  learn(shared: readonly SharedBlock[], told: readonly UntoldFailures[]): void
  /** How many addresses are remembered. */
  size(): number
  /** By which failures block now; none where they block nobody. */
  levels(): readonly BlockLevel[]
}

interface GuardParts {
  /** Any clock that only goes forward. */
  readonly now: () => number
  /** They may change at any time. What was blocked by others before stays blocked, unless there are none any more. */
  readonly levels: () => readonly BlockLevel[]
  /** A block has begun, by what came to this process. */
  readonly onBlock: (address: string, failures: number, forMs: number) => void
}

interface Untold {
  readonly failures: number
  readonly at: number
}

/** Whoever walks through addresses makes us forget the oldest, and not grow. */
const MAX_ADDRESSES = 10_000

export function createGuard({ now, levels, onBlock }: GuardParts): Guard {
  /** In the order of their last failure. */
  const blocks = new Map<string, AddressBlock>()
  const untold = new Map<string, Untold>()

  const update = (address: string, block: AddressBlock, isOurs: boolean): void => {
    const wasBlocked = blockedForMs(blocks.get(address), now()) > 0
    putLast(blocks, address, block)
    const forMs = blockedForMs(block, now())
    if (isOurs && !wasBlocked && forMs > 0) onBlock(address, block.failures, forMs)
  }
  const addUntold = (address: string, failures: number, at: number): void => {
    const before = untold.get(address)
    putLast(untold, address, {
      failures: (before?.failures ?? 0) + failures,
      at: Math.max(before?.at ?? at, at),
    })
  }

  return {
    blockedForMs: (address) => (levels().length === 0 ? 0 : blockedForMs(blocks.get(address), now())),
    failed(address) {
      update(address, afterFailure(blocks.get(address), now(), levels()), true)
      addUntold(address, 1, now())
    },
    takeUntold(max) {
      const taken: UntoldFailures[] = []
      for (const [address, { failures, at }] of untold) {
        if (taken.length === max) break
        untold.delete(address)
        taken.push({ address, failures, agoMs: now() - at })
      }
      return taken
    },
    putBack(failures) {
      for (const { address, failures: count, agoMs } of failures) addUntold(address, count, now() - agoMs)
    },
    learn(shared, told) {
      const ours = new Set(told.map(({ address }) => address))
      // The newest come first and go in last.
      for (const { address, failures, failedAgoMs, blockedForMs: forMs } of shared.toReversed()) {
        const own = blocks.get(address)
        const block = {
          // What failed during the exchange is not in what was told.
          failures: failures + (untold.get(address)?.failures ?? 0),
          failedAt: Math.max(own?.failedAt ?? 0, now() - failedAgoMs),
          blockedUntil: Math.max(own?.blockedUntil ?? 0, now() + forMs),
        }
        update(address, block, ours.has(address))
      }
    },
    size: () => blocks.size,
    levels,
  }
}

function putLast<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MAX_ADDRESSES) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
