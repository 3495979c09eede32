import type { BlockStore } from '../domain/address-block.ts'
import { isAway } from '../domain/store-error.ts'
import type { Guard } from './guard.ts'

export interface Sharing {
  /** Tells and learns now. Never throws. */
  exchange(): Promise<void>
  stop(): void
}

const INTERVAL_MS = 1000
/** Addresses that are told at once; the others have to wait for the next time. */
const MAX_TOLD = 1000

/**
 * Tells the other replicas of failures and learns of theirs, all in one statement a second. Without the database the
 * guard goes on by what it knows itself.
 */
export function shareBlocks(guard: Guard, store: BlockStore, onError: (error: unknown) => void): Sharing {
  let isUnderWay = false
  let reported: string | undefined

  const exchange = async (): Promise<void> => {
    if (isUnderWay) return // a database that hangs is asked once
    isUnderWay = true
    const told = guard.takeUntold(MAX_TOLD)
    try {
      guard.learn(await store.exchange(told, guard.levels()), told)
      reported = undefined
    } catch (error) {
      // If only the answer was lost these count twice, for addresses that send wrong keys during an outage.
      guard.putBack(told)
      // An outage is told by others, and anything else once.
      if (!isAway(error) && String(error) !== reported) onError(error)
      reported = String(error)
    } finally {
      isUnderWay = false
    }
  }
  const timer = setInterval(() => void exchange(), INTERVAL_MS).unref()
  void exchange()
  return { exchange, stop: () => clearInterval(timer) }
}
