import type { Entry } from '../domain/entry.ts'
import { entryOfJson } from '../domain/entry-row.ts'
import type { Applied, Store } from '../domain/store.ts'
import type { SpoolBatch, SpoolReader } from './spool-reader.ts'

/** A commit has a fixed price, so a batch takes what an interval brings; this bounds the memory after an outage. */
const BATCH_ENTRIES = 2000

/** Brings one spool folder into the store, batch by batch. A batch that fails is kept and tried again. */
export class Committer {
  private readonly reader: SpoolReader
  /** The ULID of the boot whose folder it is. */
  private readonly spool: string
  private readonly write: Store['write']
  private batch: SpoolBatch | undefined

  constructor(reader: SpoolReader, spool: string, write: Store['write']) {
    this.reader = reader
    this.spool = spool
    this.write = write
  }

  /** Commits everything that can be read. */
  async commit(onApplied: (applied: readonly Applied[], entries: number) => void): Promise<void> {
    for (;;) {
      const { rows, position, isAtEnd } = await this.take()
      const mark = { spool: this.spool, ...position }
      if (rows.length > 0) onApplied(await this.write({ rows, mark }), rows.length)
      this.batch = undefined
      if (rows.length > 0 || !isAtEnd) this.reader.advance(position)
      if (isAtEnd) return
    }
  }

  /** The batch that failed, or the next one; kept until it is written, and then there may be more behind it. */
  private async take(): Promise<SpoolBatch> {
    const batch = this.batch ?? (await this.reader.next(BATCH_ENTRIES))
    this.batch = { ...batch, isAtEnd: false }
    return batch
  }

  /** What is not in the store yet, for whoever has to write it down elsewhere. */
  async *remaining(): AsyncGenerator<Entry> {
    for (;;) {
      const { rows, isAtEnd } = await this.take()
      this.batch = undefined
      yield* rows.map(entryOfJson)
      if (isAtEnd) return
    }
  }
}
