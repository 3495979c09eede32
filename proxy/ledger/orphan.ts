import { rmSync } from 'node:fs'
import type { Applied, Entry, Opened } from '../domain/entry.ts'
import { NO_USAGE } from '../domain/usage.ts'
import { Committer, type WriteEntries } from './committer.ts'
import { SpoolReader } from './spool-reader.ts'

/** Brings the folder of a dead process into the database, the calls it left open included, and removes it. */
export class Orphan {
  private readonly folder: string
  private readonly reader: SpoolReader
  private readonly committer: Committer
  private readonly write: WriteEntries

  constructor(folder: string, write: WriteEntries, onDamage: (detail: object) => void) {
    this.folder = folder
    this.write = write
    this.reader = new SpoolReader(folder, { onDamage })
    this.committer = new Committer(this.reader, write)
  }

  /** Safe to repeat after a failure: what was applied is not applied again. */
  async settle(onApplied: (applied: readonly Applied[], entries: number) => void): Promise<void> {
    await this.committer.commit(onApplied)
    const interrupted = this.interrupted()
    if (interrupted.length > 0) onApplied(await this.write(interrupted), interrupted.length)
    this.close()
    rmSync(this.folder, { recursive: true, force: true })
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
  const usage = { ...NO_USAGE, ...estimate }
  return {
    ...opened,
    status: 'interrupted',
    httpStatus: 0,
    error: 'interrupted',
    metering: 'estimated',
    usage,
    spend: usage.inputTokens + usage.outputTokens,
    firstByteMs: null,
    durationMs: 0,
  }
}
