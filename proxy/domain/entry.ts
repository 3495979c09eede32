import type { Usage } from './usage.ts'

/** The first half of an entry, written before the upstream hears of the call. Times are milliseconds since the epoch. */
export interface Opened {
  /** A ULID made at admission: the entry's idempotency key, sorted by time. */
  readonly id: string
  readonly requestId: string
  readonly keyId: string
  readonly endpoint: string
  readonly model: string | null
  readonly stream: boolean
  readonly channel: string
  readonly admittedAt: number
  /** What the call would probably use: its entry's usage if the process dies before the answer is complete. */
  readonly estimate: { readonly inputTokens: number; readonly outputTokens: number }
}

/**
 * `completed`: the upstream answered to the end, with whatever status. `failed`: it did not, or said so in its stream.
 * `client_gone`: the caller hung up. `interrupted`: this process died with the call in flight.
 */
export type Status = 'completed' | 'failed' | 'client_gone' | 'interrupted'

/** `exact`: the upstream's own count. `estimated`: ours, of what was not told. `unmetered`: nothing that is counted in tokens. */
export type Metering = 'exact' | 'estimated' | 'unmetered'

/** How a call ended. */
export interface Outcome {
  readonly status: Status
  readonly httpStatus: number
  /** A code of the error catalogue, or the upstream's own error type. */
  readonly error: string | null
  readonly metering: Metering
  readonly usage: Usage
  /** From admission to the first byte of the answer; null if none came. */
  readonly firstByteMs: number | null
  readonly durationMs: number
}

/** One line of the ledger. */
export interface Entry extends Omit<Opened, 'estimate'>, Outcome {
  /** The tokens that count against the key's window, in the minute of `admittedAt`. */
  readonly spend: number
  /** Null where the price is not known, which is not free. */
  readonly costNanoUsd: number | null
}
