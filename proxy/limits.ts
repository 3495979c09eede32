import { createBorrower } from './borrower.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Bank } from './domain/lease.ts'
import { isAway } from './domain/store-error.ts'
import { type ChannelGate, createChannelGate } from './limit/channel-gate.ts'
import { createQuotaPots, type QuotaPots } from './limit/channel-quota.ts'
import { createLimiter, type Limiter } from './limit/limiter.ts'
import type { Log } from './telemetry/log.ts'

export interface Limits {
  readonly limiter: Limiter
  readonly gate: ChannelGate
  readonly quotaPots: QuotaPots
  /** How many processes shared them when that was last told, this one among them. */
  readonly replicas: () => number
  /** Learns the store's clock and makes this replica known to the others. */
  start(): Promise<void>
  /** Gives back what was leased. */
  stop(): Promise<void>
}

/** The limits of keys and channels, shared with other replicas where there is a bank. */
export function createLimits(
  config: Config,
  bank: Bank | undefined,
  clock: Clock,
  defaultRpm: () => number | null,
  log: Log,
): Limits {
  const waitMs = config.LIMIT_WAIT_MS
  const { now } = clock
  if (bank === undefined) {
    const limiter = createLimiter({ waitMs, now, leases: undefined, defaultRpm })
    const gate = createChannelGate({ now, leases: undefined })
    const quotaPots = createQuotaPots({ now, leases: undefined })
    const nothing = () => Promise.resolve()
    return { limiter, gate, quotaPots, replicas: () => 1, start: nothing, stop: nothing }
  }
  let replicas = 1
  const borrower = createBorrower({
    bank,
    now,
    onClock(storeNow, elapsedMs, count) {
      clock.correct(storeNow, elapsedMs)
      replicas = Math.max(1, count)
    },
    onAnswer() {
      limiter.wake()
      gate.wake()
      quotaPots.wake()
    },
    onError(error) {
      if (!isAway(error)) log.error({ err: error }, 'leases of limits cannot be renewed')
    },
    offlineShare: config.LIMIT_OFFLINE_SHARE,
  })
  const limiter = createLimiter({ waitMs, now, leases: borrower, defaultRpm })
  const gate = createChannelGate({ now, leases: borrower })
  const quotaPots = createQuotaPots({ now, leases: borrower })
  return {
    limiter,
    gate,
    quotaPots,
    replicas: () => replicas,
    start: () => borrower.ask(),
    stop: () => borrower.stop().catch((error: unknown) => log.warn({ err: error }, 'leases could not be returned')),
  }
}
