import type { Applied, Entry } from '../domain/entry.ts'
import type { SpoolBatch, SpoolReader } from './spool-reader.ts'

/** A commit has a fixed price, so a batch takes what an interval brings; this bounds the memory after an outage. */
const BATCH_ENTRIES = 2000

/**
 * Writes entries so that each counts once, however often it is given: counters move only for entries that are new,
 * and by the difference where a closed record corrects an interrupted one.
 */
export type WriteEntries = (entries: readonly Entry[]) => Promise<readonly Applied[]>

/** Brings one spool folder into the database, batch by batch. A batch that fails is kept and tried again. */
export class Committer {
  private readonly reader: SpoolReader
  private readonly write: WriteEntries
  private batch: SpoolBatch | undefined

  constructor(reader: SpoolReader, write: WriteEntries) {
    this.reader = reader
    this.write = write
  }

  /** Commits everything that can be read. */
  async commit(onApplied: (applied: readonly Applied[], entries: number) => void): Promise<void> {
    for (;;) {
      const { entries, position, isAtEnd } = await this.take()
      if (entries.length > 0) onApplied(await this.write(entries), entries.length)
      this.batch = undefined
      if (entries.length > 0 || !isAtEnd) this.reader.advance(position)
      if (isAtEnd) return
    }
  }

  /** The batch that failed, or the next one; kept until it is written, and then there may be more behind it. */
  private async take(): Promise<SpoolBatch> {
    const batch = this.batch ?? (await this.reader.next(BATCH_ENTRIES))
    this.batch = { ...batch, isAtEnd: false }
    return batch
  }

  /** What is not in the database yet, for whoever has to write it down elsewhere. */
  async *remaining(): AsyncGenerator<Entry> {
    for (;;) {
      const { entries, isAtEnd } = await this.take()
      this.batch = undefined
      yield* entries
      if (isAtEnd) return
    }
  }
}
