import type { Attribution } from './attribution.ts'
import type { Costs } from './price.ts'
import type { ServiceTier } from './service-tier.ts'
import type { Usage } from './usage.ts'

/** An upstream exchange that failed before anything of it reached the caller, so that another one was made. */
export interface FailedAttempt {
  readonly channel: string
  readonly model: string | null
  /** Of the answer, or what an error in its stream stands for; 0 where none came. */
  readonly status: number
  /** The upstream's kind of error, or a code of the error catalogue. */
  readonly error: string | null
  /** The same channel was asked `again`, or the `next` one. */
  readonly followedBy: 'again' | 'next'
  readonly durationMs: number
  /** What the upstream told that it had used. */
  readonly usage: Usage
  readonly costs: Costs | null
  /** The period of its channel's quota that its costs count to, as in `Entry`. */
  readonly quota: string | null
}

/** The first half of an entry, written before the upstream hears of the call. Times are milliseconds since the epoch. */
export interface Opened {
  /** A ULID made at admission: the entry's idempotency key, sorted by time. */
  readonly id: string
  readonly requestId: string
  readonly keyId: string
  /** The tenant to whose budgets it counts: that of the key at admission. */
  readonly tenantId: string | null
  readonly endpoint: string
  readonly model: string | null
  readonly stream: boolean
  readonly channel: string
  readonly admittedAt: number
  /** The attempts before the one that is under way, or that was the last. */
  readonly attempts: readonly FailedAttempt[]
  /** What the call would probably use: its entry's usage if the process dies before the answer is complete. */
  readonly estimate: { readonly inputTokens: number; readonly outputTokens: number }
}

/**
 * `completed`: the upstream answered to the end, with whatever status. `failed`: it did not, or said so in its stream, or
 * its answer could not be passed on.
 * `client_gone`: the caller hung up. `interrupted`: this process died with the call in flight.
 */
export type Status = 'completed' | 'failed' | 'client_gone' | 'interrupted'

/** `exact`: the upstream's own count. `estimated`: ours, of what was not told. `unmetered`: nothing that is counted in tokens. */
export type Metering = 'exact' | 'estimated' | 'unmetered'

/** How a call ended. */
export interface Outcome {
  readonly status: Status
  /** Of the answer, or that it would have had: behind a heartbeat, which fixes the caller's at 200, it tells how the call ended. */
  readonly httpStatus: number
  /** A code of the error catalogue, or the upstream's own error type. */
  readonly error: string | null
  readonly metering: Metering
  readonly usage: Usage
  /** From admission to the first byte of the answer; null if none came. */
  readonly firstByteMs: number | null
  readonly durationMs: number
  readonly told: Told
}

/** What the upstream said of its answer besides its usage; null where it said nothing. */
export interface Told {
  /** The model that answered, by the upstream's name. */
  readonly model: string | null
  readonly serviceTier: ServiceTier | null
  /** Its sentence, cut to what a table can hold. */
  readonly error: string | null
}

export const NOTHING_TOLD: Told = { model: null, serviceTier: null, error: null }

/** What is kept of a call for people to look at; nothing is counted by it. */
export interface Circumstances extends Attribution {
  /** Empty where the call came to no channel, or its process died. */
  readonly channelId: string
  readonly effort: string | null
  /** Fields of the request that its channel's format has no place for, with commas. */
  readonly lost: string | null
  /** The part of the cost that is of each kind; null where the cost is. */
  readonly costs: Costs | null
}

export const NO_CIRCUMSTANCES: Circumstances = {
  clientId: null,
  sessionId: null,
  channelId: '',
  effort: null,
  lost: null,
  costs: null,
}

/** One line of the ledger. */
export interface Entry extends Omit<Opened, 'estimate'>, Outcome, Circumstances {
  /** The tokens that count against the key's window, in the minute of `admittedAt`. */
  readonly spend: number
  /** Null where the price is not known, which is not free. */
  readonly costNanoUsd: number | null
  /** The period of its channel's quota that it counts to: `channel:`, its id, and when it began; null where there is none. */
  readonly quota: string | null
}
