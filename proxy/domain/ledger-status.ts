/** How the ledger is: what `/health` and the metrics tell of it. */
export interface LedgerStatus {
  /** Entries that are closed and not in the database yet. */
  readonly spooled: number
  readonly spooledBytes: number
  readonly oldestSeconds: number
  readonly lastCommitMs: number | null
  readonly damagedRecords: number
  /** What is wrong with it, in words; null when nothing is. */
  readonly problem: string | null
  /** The spool is full or cannot be written: no call is let in. */
  readonly isRefusing: boolean
}
