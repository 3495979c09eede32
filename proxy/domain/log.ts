import type { Entry, FailedAttempt, Status } from './entry.ts'

/** Which entries of the ledger to read; what is left out does not narrow. */
export interface LogFilter {
  /** Its name at that time, or its id. */
  readonly channel?: string
  readonly model?: string
  readonly endpoint?: string
  readonly keyId?: string
  /** Those of the keys that are the tenant's now. */
  readonly tenantId?: string
  readonly clientId?: string
  readonly sessionId?: string
  /** From this status on, up to and with that one. */
  readonly httpStatus?: readonly [first: number, last: number]
  readonly status?: Status
  /** Admitted from this instant on, and until just before that one. */
  readonly from?: number
  readonly to?: number
}

/** An entry as it is read. */
export interface LoggedEntry extends Entry {
  /** Whether the request and its answer were kept beside it, and are still there. */
  readonly hasRecording: boolean
}

interface LogPage {
  /** Newest first, by id: by the time of admission. */
  readonly entries: readonly LoggedEntry[]
  /** What to read on before, where there is more or where the search has stopped; null where all has been seen. */
  readonly next: string | null
}

/** How many there are, counted up to a bound. */
interface LogCount {
  readonly total: number
  readonly isExact: boolean
}

/** The channel id of what was reported by another program: no channel can have it. */
export const REPORTED = 'hook:anthropic'

/** What administrators do with the entries of the ledger. Every method throws `StoreError`. */
export interface LogStore {
  /** Those older than the one with the id `before`, after leaving out the first `offset`. */
  list(filter: LogFilter, place: LogPlace): Promise<LogPage>
  count(filter: LogFilter): Promise<LogCount>
  find(id: string, filter: Pick<LogFilter, 'tenantId'>): Promise<LoggedEntry | undefined>
  /** What has ended since the instant, in the order in which it did; of much, the last. */
  endedSince(instant: number): Promise<readonly LoggedEntry[]>
  /**
   * Writes an entry of a call that was not made here, unless one with its request id has been reported before. It moves
   * no counter. Answers the id of the one that is there.
   */
  report(entry: Omit<Entry, 'id'>): Promise<{ readonly id: string; readonly created: boolean }>
  /** Deletes what was admitted before the instant, with its recordings, and answers how many entries that were. Counters stay. */
  remove(before: number): Promise<number>
}

/** Somebody who watches calls as they end. */
export interface LogListener {
  /** What is new, in the order in which it ended; now and then nothing, so that the connection is used. */
  tell(entries: readonly LoggedEntry[], at: number): void
  /** There will be nothing more. */
  end(): void
}

export interface LogWatch {
  /** Answers how to leave; undefined where there are as many as can be. */
  join(listener: LogListener): (() => void) | undefined
}

interface LogPlace {
  readonly before?: string
  readonly offset?: number
  readonly limit: number
}

/**
 * What was tried before the attempt that was the last, in system C's words:
 * `429:rate_limit_error > retry; 503 > failover > second`. The detail of a failover is the channel that came next.
 */
export function failoverInfoOf(attempts: readonly FailedAttempt[], lastChannel: string): string | null {
  if (attempts.length === 0) return null
  const told = attempts.map(({ status, error, followedBy }, at) => {
    const failure = `${status === 0 ? 'network' : status}${error === null ? '' : `:${error}`}`
    const next = attempts[at + 1]?.channel ?? lastChannel
    return followedBy === 'again' ? `${failure} > retry` : `${failure} > failover > ${next}`
  })
  return told.join('; ')
}
