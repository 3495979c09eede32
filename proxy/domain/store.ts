import type { DatabasePing } from './database-ping.ts'
import type { KeyRecord, KeyUsage, StoredKey } from './key.ts'
import type { SpoolMark } from './spool-mark.ts'

/** A group of closed entries, as the spool hands them out. */
export interface Batch {
  /** The JSON of an `EntryRow` each. */
  readonly rows: readonly string[]
  /** How far its spool is read with this batch; undefined for entries that come from elsewhere. */
  readonly mark?: SpoolMark
}

/** A spend that is new in the store: a sum over entries of one key and one minute of admission, of one quota and one tenant. */
export interface Applied {
  readonly keyId: string
  /** The minute's start, in milliseconds since the epoch. */
  readonly minute: number
  /** Negative where entries that had been estimated were corrected downwards. */
  readonly spend: number
  /** Of the entries that have a price. */
  readonly costNanoUsd: number
  /** How many entries are new or corrected. */
  readonly entries: number
  /** The quota of a channel that they, or attempts of theirs, count to as well: how many requests, and how much money. */
  readonly quota?: { readonly subject: string; readonly requests: number; readonly costNanoUsd: number }
  /** The tenant to whose budgets they count as well. */
  readonly tenantId?: string
}

export interface Listening {
  isStanding(): boolean
  stop(): void
}

/**
 * What the request path needs of storage. A database, system A's file and the fallback around a database provide it,
 * and one suite of tests runs against all of them. Every method throws `StoreError`.
 */
export interface Store {
  /** Makes the store ready for use, or says in one sentence why it is not. */
  initialise(): Promise<void>
  /** The key that has this hash, or had it before it was rotated, with its statistics and what it has used since `usedSince`; undefined if there is none. */
  findByHash(hash: string, usedSince: number): Promise<KeyRecord | undefined>
  /** What a key has used, altogether and since `usedSince`; undefined if there is no such key. */
  usageOf(id: string, usedSince: number): Promise<KeyUsage | undefined>
  /** Those of the given ids that still exist, as they are now. */
  findByIds(ids: readonly string[]): Promise<readonly StoredKey[]>
  /** Keys whose last use is not before `lastUsedSince`, and those that administrate: as many as a start may wait for. */
  findInUse?(lastUsedSince: number, usedSince: number): Promise<readonly KeyRecord[]>
  /** Changes whenever a key does. */
  revision(): Promise<string>
  /** Changes with a key and with nothing else, where the store can tell that apart. */
  keyRevision?(): Promise<string>
  /**
   * Writes entries so that each counts once, however often it is given: what is there already moves nothing, and a
   * closed entry that meets an interrupted one corrects it by the difference.
   */
  write(batch: Batch): Promise<readonly Applied[]>
  /** How far this spool was read with the last batch of it that was written, where the store remembers that itself. */
  markOf(spool: string): Promise<SpoolMark | undefined>
  /** Removes what is past its retention; answers how many entries went. Instants are milliseconds since the epoch. */
  prune(logsBefore: number, windowsBefore: number, now: number): Promise<number>
  /**
   * Calls `onHint` when a key may have changed, where the store can tell by itself; `isStanding` says whether it can at
   * the moment.
   */
  listen?(onHint: () => void): Listening
  /** Never throws. */
  ping(): Promise<DatabasePing>
  close(): Promise<void>
}
