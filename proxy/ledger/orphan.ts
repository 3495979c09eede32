import { rmSync } from 'node:fs'
import { type Entry, NO_CIRCUMSTANCES, NOTHING_TOLD, type Opened } from '../domain/entry.ts'
import { rowJson } from '../domain/entry-row.ts'
import type { Applied, Store } from '../domain/store.ts'
import { NO_USAGE, spendOf, sumOfUsages } from '../domain/usage.ts'
import { Committer } from './committer.ts'
import type { AdoptedFolder } from './folders.ts'
import { SpoolReader } from './spool-reader.ts'

/** What is written of the calls that were left open comes after every record. */
const BEHIND_ALL = { segment: Number.MAX_SAFE_INTEGER, offset: 0 }

/** Brings the folder of a dead process into the database, the calls it left open included, and removes it. */
export class Orphan {
  private readonly folder: AdoptedFolder
  private readonly reader: SpoolReader
  private readonly committer: Committer
  private readonly store: Pick<Store, 'write' | 'markOf'>

  constructor(folder: AdoptedFolder, store: Pick<Store, 'write' | 'markOf'>, onDamage: (detail: object) => void) {
    this.folder = folder
    this.store = store
    this.reader = new SpoolReader(folder.path, { onDamage })
    this.committer = new Committer(this.reader, folder.boot, store.write)
  }

  /** Safe to repeat after a failure: what was applied is not applied again. */
  async settle(onApplied: (applied: readonly Applied[], entries: number) => void): Promise<void> {
    const { boot, path } = this.folder
    const mark = await this.store.markOf(boot)
    if (mark) this.reader.skipTo(mark)
    await this.committer.commit(onApplied)
    const rows = this.interrupted().map(rowJson)
    if (rows.length > 0) onApplied(await this.store.write({ rows, mark: { spool: boot, ...BEHIND_ALL } }), rows.length)
    this.close()
    rmSync(path, { recursive: true, force: true })
  }

  /** What `settle` has not brought into the database. */
  async *remaining(): AsyncGenerator<Entry> {
    yield* this.committer.remaining()
    yield* this.interrupted()
  }

  close(): void {
    this.reader.close()
  }

  private interrupted(): Entry[] {
    return this.reader.unfinished().map(interruptedEntry)
  }

  backlogBytes(): number {
    return this.reader.backlogBytes()
  }
}

/** The entry of a call whose process died before its answer was complete. */
function interruptedEntry({ estimate, ...opened }: Opened): Entry {
  const usage = sumOfUsages([{ ...NO_USAGE, ...estimate }, ...opened.attempts.map((attempt) => attempt.usage)])
  return {
    ...opened,
    status: 'interrupted',
    httpStatus: 0,
    error: 'interrupted',
    metering: 'estimated',
    usage,
    spend: spendOf(usage, false),
    costNanoUsd: null, // the spool knows no prices
    ...NO_CIRCUMSTANCES,
    told: NOTHING_TOLD,
    quota: null,
    firstByteMs: null,
    durationMs: 0,
  }
}
