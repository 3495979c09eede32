import type { KeyRecord } from './key.ts'

/** The keys that a process knows, as it keeps them on its own disk for a time without a database. */
export interface Snapshot {
  /** When this was last known to be the truth; milliseconds since the epoch. */
  readonly freshAt: number
  readonly keys: readonly KeyRecord[]
}
