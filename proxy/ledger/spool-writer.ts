import { closeSync, fdatasync, ftruncateSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Position, segmentPath } from './segments.ts'

export type Fsync = 'off' | 'interval' | 'always'

interface Settings {
  readonly folder: string
  readonly fsync: Fsync
  readonly segmentBytes: number
  /** Told when writing begins to fail, and with undefined when it works again. */
  readonly onHealth: (failure: unknown) => void
}

const RETRY_MS = 250
const FSYNC_INTERVAL_MS = 1000
const CANNOT_WRITE = 'the spool cannot be written'
const sync = promisify(fdatasync)

/** The lines of one turn of the event loop, by the ids of their calls: one write, and one promise for all who wait. */
class Batch {
  readonly lines = new Map<string, string>()
  readonly written = Promise.withResolvers<void>()

  get text(): string {
    return [...this.lines.values()].join('')
  }
}

/**
 * Appends lines to the spool.
 *
 * The write is synchronous: it goes to the page cache, which is a memory copy, and a hand-over to the thread pool and
 * back would cost ten times as much as the write itself (ADR 0004). fdatasync waits for the disk, and is asynchronous.
 *
 * When a write fails, opened records are refused, so that no call is let in which could not be accounted for. Closed
 * ones are tried again until it works: there are at most as many as calls in flight.
 */
export class SpoolWriter {
  private readonly settings: Settings
  private descriptor: number
  private segment = 1
  private offset = 0
  private opening = new Batch()
  private closing = new Batch()
  private flushing: Promise<void> | undefined
  private isRetrying = false
  private isDirty = false
  private hasFailed = false
  private readonly timer: NodeJS.Timeout | undefined
  /** Opened lines that stand in the spool without a closed one: carried into a new segment, so that the old one can go. */
  private readonly inFlight = new Map<string, string>()

  constructor(settings: Settings) {
    this.settings = settings
    this.descriptor = openSync(segmentPath(settings.folder, this.segment), 'a', 0o600)
    if (settings.fsync === 'interval') {
      this.timer = setInterval(() => void this.syncIfDirty(), FSYNC_INTERVAL_MS).unref()
    }
  }

  /** Everything before this position has been written. */
  get end(): Position {
    return { segment: this.segment, offset: this.offset }
  }

  get isFailing(): boolean {
    return this.hasFailed
  }

  /** Resolves when the line is written, and with `always` on disk; rejects when it cannot be written. */
  open(id: string, line: string): Promise<void> {
    if (this.isRetrying) return Promise.reject(new Error(CANNOT_WRITE))
    return this.add(this.opening, id, line)
  }

  /** Resolves when the line is written, and with `always` on disk, however long that takes. */
  close(id: string, line: string): Promise<void> {
    return this.add(this.closing, id, line)
  }

  /** Writes what is waiting, and ends. */
  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.flushing
    await this.syncIfDirty()
    closeSync(this.descriptor)
  }

  private add(batch: Batch, id: string, line: string): Promise<void> {
    batch.lines.set(id, line)
    this.flushing ??= new Promise((resolve) => setImmediate(resolve)).then(() => this.flush())
    return batch.written.promise
  }

  private async flush(): Promise<void> {
    while (this.opening.lines.size > 0 || this.closing.lines.size > 0) {
      const { opening, closing } = this
      this.opening = new Batch()
      this.closing = new Batch()
      if (this.offset >= this.settings.segmentBytes) this.rotate()
      const closed = closing.text
      const bytes = Buffer.from(closed + opening.text)
      const done = this.append(bytes)
      if (done === bytes.length) for (const [id, line] of opening.lines) this.inFlight.set(id, line)
      else await this.appendClosed(bytes.subarray(0, Buffer.byteLength(closed)), done, opening)
      // Only now: until its closed line stands, a call has to be carried along.
      for (const id of closing.lines.keys()) this.inFlight.delete(id)
      if (this.settings.fsync === 'always') await this.syncIfDirty()
      closing.written.resolve()
      opening.written.resolve() // without effect if it was rejected
    }
    this.flushing = undefined
  }

  /** The rest of a write that failed after `done` bytes: the opened lines are refused, the closed ones written later. */
  private async appendClosed(closed: Buffer, done: number, opening: Batch): Promise<void> {
    // What stands of the opened lines is taken back: their calls are not to look interrupted.
    if (done > closed.length) this.truncate(done - closed.length)
    if (opening.lines.size > 0) opening.written.reject(new Error(CANNOT_WRITE))
    this.isRetrying = true
    for (let from = done; from < closed.length;) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      from += this.append(closed.subarray(from))
    }
    this.isRetrying = false
  }

  /** Writes as much as can be written, and answers how much that was. */
  private append(bytes: Buffer): number {
    let done = 0
    try {
      while (done < bytes.length) {
        const written = writeSync(this.descriptor, bytes, done)
        done += written
        this.offset += written
      }
      this.isDirty = true
      if (this.hasFailed) this.settings.onHealth(undefined)
      this.hasFailed = false
    } catch (failure) {
      if (!this.hasFailed) this.settings.onHealth(failure)
      this.hasFailed = true
    }
    return done
  }

  private truncate(bytes: number): void {
    this.offset -= bytes
    ftruncateSync(this.descriptor, this.offset)
  }

  /**
   * Goes on in a new segment, which becomes the end of the spool only when it holds all calls in flight: from then on
   * the old one may be removed. When it cannot be made, the old one simply grows on.
   */
  private rotate(): void {
    const { folder, fsync } = this.settings
    const path = segmentPath(folder, this.segment + 1)
    const carried = Buffer.from([...this.inFlight.values()].join(''))
    let next: number
    try {
      writeFileSync(path, carried, { mode: 0o600, flush: fsync === 'always' })
      next = openSync(path, 'a')
    } catch {
      rmSync(path, { force: true })
      return
    }
    const old = this.descriptor
    fdatasync(old, () => closeSync(old))
    this.descriptor = next
    this.segment += 1
    this.offset = carried.length
    this.isDirty = true
  }

  private async syncIfDirty(): Promise<void> {
    if (!this.isDirty) return
    this.isDirty = false
    await sync(this.descriptor).catch(this.settings.onHealth)
  }
}
