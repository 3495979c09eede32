import type { ErrorCode } from './errors.ts'
import type { Actor, Change, Operation } from './operation.ts'

/** A call of an operation, told once it is over. */
export interface AuditedCall {
  readonly operation: Pick<Operation, 'id' | 'isWrite'>
  readonly actor: Actor
  /** Where the caller is, as failures are counted: an IPv4 address or the /64 of an IPv6 one; or `cli`. */
  readonly address: string
  readonly status: number
  readonly error: ErrorCode | null
  /** What the path names; empty if it names nothing. */
  readonly target: string
  readonly change: Change | undefined
  readonly requestId: string
  readonly at: number
}

/** A line of the audit log. */
export interface AuditEntry {
  /** A ULID: sorted by time. */
  readonly id: string
  readonly at: number
  /** The key; null is a caller without a good one, and `actor` then is where it called from: an address, or `cli`. */
  readonly actorId: string | null
  readonly actor: string
  readonly operation: string
  readonly target: string | null
  readonly httpStatus: number
  readonly error: string | null
  readonly requestId: string
  /** JSON without secrets. */
  readonly before: string | null
  readonly after: string | null
}

/** Which lines to read; what is left out does not narrow. */
export interface AuditFilter {
  /** The id of a key, or its name at that time. */
  readonly actor?: string
  readonly operation?: string
  readonly target?: string
  /** From this instant on, and until just before that one. */
  readonly from?: number
  readonly to?: number
  /** Only what is older than the line with this id. */
  readonly before?: string
  readonly limit: number
}

/** Every method throws `StoreError`. */
export interface AuditStore {
  append(entries: readonly AuditEntry[]): Promise<void>
  /** Newest first. */
  list(filter: AuditFilter): Promise<readonly AuditEntry[]>
  /** Removes what is older than the instant, and answers how many lines that were. */
  prune(before: number): Promise<number>
}
