import { closeSync, fdatasync, ftruncateSync, openSync, writeSync } from 'node:fs'
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
const sync = promisify(fdatasync)

/** The lines of one turn of the event loop: one write, and one promise for all who wait for it. */
class Batch {
  readonly lines: string[] = []
  readonly ids: string[] = []
  readonly written = Promise.withResolvers<void>()
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
  private isScheduled = false
  private isDirty = false
  private hasFailed = false
  private readonly timer: NodeJS.Timeout | undefined
  /** Opened lines without a closed one: repeated at the head of a new segment, so that the old one can go. */
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
    this.inFlight.set(id, line)
    this.opening.ids.push(id)
    return this.add(this.opening, line)
  }

  /** Resolves when the line is written, and with `always` on disk, however long that takes. */
  close(id: string, line: string): Promise<void> {
    this.inFlight.delete(id)
    return this.add(this.closing, line)
  }

  /** Writes what is waiting, and ends. */
  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.add(this.closing, '')
    await this.syncIfDirty()
    closeSync(this.descriptor)
  }

  private add(batch: Batch, line: string): Promise<void> {
    batch.lines.push(line)
    if (!this.isScheduled) {
      this.isScheduled = true
      setImmediate(() => void this.flush())
    }
    return batch.written.promise
  }

  private async flush(): Promise<void> {
    do {
      const { opening, closing } = this
      this.opening = new Batch()
      this.closing = new Batch()
      const isOpened = await this.write(closing.lines.join(''), opening.lines.join(''))
      if (this.settings.fsync === 'always') await this.syncIfDirty()
      closing.written.resolve()
      if (isOpened) opening.written.resolve()
      else {
        for (const id of opening.ids) this.inFlight.delete(id)
        opening.written.reject(new Error('the spool cannot be written'))
      }
    } while (this.opening.lines.length > 0 || this.closing.lines.length > 0)
    this.isScheduled = false
  }

  /** Answers whether the opened lines were written; the closed ones are, when it returns. */
  private async write(closed: string, opened: string): Promise<boolean> {
    const carried = this.isSegmentFull ? [...this.inFlight.values()].join('') : ''
    const wanted = Buffer.from(carried + closed + opened)
    const mustWrite = opened === '' ? wanted.length : Buffer.byteLength(carried + closed)
    let done = this.tryWrite(wanted, 0)
    if (done === wanted.length) return true
    // What stands of the opened lines is taken back: their calls are refused, and are not to look interrupted.
    if (done > mustWrite) this.truncate(done - mustWrite)
    while (done < mustWrite) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      done += this.tryWrite(wanted.subarray(done, mustWrite), done)
    }
    return false
  }

  /** Writes as much as can be written, and answers how much that was. `before`: how much of the batch already stands. */
  private tryWrite(bytes: Buffer, before: number): number {
    let done = 0
    try {
      if (before === 0 && this.isSegmentFull) this.rotate()
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

  private get isSegmentFull(): boolean {
    return this.offset >= this.settings.segmentBytes
  }

  private truncate(bytes: number): void {
    this.offset -= bytes
    ftruncateSync(this.descriptor, this.offset)
  }

  private rotate(): void {
    const old = this.descriptor
    const next = openSync(segmentPath(this.settings.folder, this.segment + 1), 'a', 0o600)
    fdatasync(old, () => closeSync(old))
    this.descriptor = next
    this.segment += 1
    this.offset = 0
  }

  private async syncIfDirty(): Promise<void> {
    if (!this.isDirty) return
    this.isDirty = false
    await sync(this.descriptor).catch(this.settings.onHealth)
  }
}
