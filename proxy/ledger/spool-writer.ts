import { close, closeSync, fdatasync, ftruncateSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import type { Position } from '../domain/spool-mark.ts'
import { segmentPath } from './segments.ts'

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
/** A page: what has room in the one that was begun does not tell whether the disk has. */
const PROBE = Buffer.alloc(4096)

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
 * When a write fails, or with `always` the disk, opened records are refused, so that no call is let in which could not
 * be accounted for. Closed ones are tried again until it works or the process ends: there are at most as many as calls
 * in flight.
 */
export class SpoolWriter {
  private readonly settings: Settings
  private descriptor: number
  private segment = 1
  private offset = 0
  /** How far the segment is on disk, where `always` asks for that. */
  private synced = 0
  /** The file may go on behind `offset`, with what was taken back. */
  private isTorn = false
  private opening = new Batch()
  private closing = new Batch()
  private flushing: Promise<void> | undefined
  private isRetrying = false
  private wake: (() => void) | undefined
  private isDirty = false
  private isEnded = false
  private readonly failing = new Set<'write' | 'sync'>()
  /** Set when nothing is tried again any more: takes the closed lines that could not be written. */
  private abandon: ((line: string) => void) | undefined
  private readonly timers: readonly NodeJS.Timeout[]
  /** Opened lines that stand in the spool without a closed one: carried into a new segment, so that the old one can go. */
  private readonly inFlight = new Map<string, string>()

  constructor(settings: Settings) {
    this.settings = settings
    this.descriptor = openSync(segmentPath(settings.folder, this.segment), 'a', 0o600)
    this.timers = [
      setInterval(() => this.probe(), RETRY_MS).unref(),
      ...(settings.fsync === 'interval' ? [setInterval(() => void this.syncIfDirty(), FSYNC_INTERVAL_MS).unref()] : []),
    ]
  }

  /** Everything before this position has been written, and is not taken back. */
  get end(): Position {
    return { segment: this.segment, offset: this.settings.fsync === 'always' ? this.synced : this.offset }
  }

  get isFailing(): boolean {
    return this.failing.size > 0
  }

  /** Opened records are refused at the moment. */
  get isRefusing(): boolean {
    return this.isRetrying || this.failing.has('write')
  }

  /** Resolves when the line is written, and with `always` on disk; rejects when it cannot be written. */
  open(id: string, line: string): Promise<void> {
    if (this.isRetrying) return Promise.reject(new Error(CANNOT_WRITE))
    return this.add(this.opening, id, line)
  }

  /** Resolves when the line is written, and with `always` on disk, however long that takes, or when it was abandoned. */
  close(id: string, line: string): Promise<void> {
    return this.add(this.closing, id, line)
  }

  /** Writes what is waiting, and ends. Closed lines that cannot be written by `deadline` are handed to `abandon`. */
  async stop(deadline = Infinity, abandon: (line: string) => void = () => undefined): Promise<void> {
    const giveUp = (): void => {
      this.abandon = abandon
      this.wake?.()
    }
    const leftMs = Math.max(0, deadline - Date.now())
    const timer = leftMs === Infinity ? undefined : setTimeout(giveUp, leftMs)
    await this.flushing
    clearTimeout(timer)
    giveUp()
    for (const each of this.timers) clearInterval(each)
    await this.syncIfDirty()
    this.isEnded = true
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
      if (this.offset >= this.settings.segmentBytes && !this.isTorn && !this.isEnded) this.rotate()
      const start = this.offset
      const closed = closing.text
      const isWritten = this.append(Buffer.from(closed + opening.text)) && (await this.settle(start))
      if (isWritten) for (const [id, line] of opening.lines) this.inFlight.set(id, line)
      else await this.retry(start, closing, opening)
      // Only now: until its closed line stands, a call has to be carried along.
      for (const id of closing.lines.keys()) this.inFlight.delete(id)
      closing.written.resolve()
      opening.written.resolve() // without effect if it was rejected
    }
    this.flushing = undefined
  }

  /** After a write that failed on its way from `start`: the opened lines are refused, the closed ones written later. */
  private async retry(start: number, closing: Batch, opening: Batch): Promise<void> {
    const closed = Buffer.from(closing.text)
    // What stands of the opened lines is taken back: their calls are not to look interrupted.
    this.cutTo(start + closed.length)
    if (opening.lines.size > 0) opening.written.reject(new Error(CANNOT_WRITE))
    this.isRetrying = true
    while (this.offset - start < closed.length || !(await this.settle(start))) {
      if (this.abandon) {
        // All of them, though some may stand: an entry counts once, however often it is given.
        for (const line of closing.lines.values()) this.abandon(line)
        break
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve
        setTimeout(resolve, RETRY_MS)
      })
      this.append(closed.subarray(this.offset - start))
    }
    this.isRetrying = false
  }

  /** Writes as much as can be written, and answers whether that was all. */
  private append(bytes: Buffer): boolean {
    try {
      if (this.isEnded) throw new Error('the spool is closed')
      this.cut()
      for (let done = 0; done < bytes.length;) {
        const written = writeSync(this.descriptor, bytes, done)
        done += written
        this.offset += written
      }
      this.isDirty = true
      this.report('write', undefined)
      return true
    } catch (failure) {
      this.report('write', failure)
      return false
    }
  }

  /** With `always`, waits for the disk. What it refuses is taken back: a page it could not write is not tried again. */
  private async settle(start: number): Promise<boolean> {
    if (this.settings.fsync !== 'always') return true
    await this.syncIfDirty()
    if (this.failing.has('sync')) this.cutTo(start)
    else this.synced = this.offset
    return !this.failing.has('sync')
  }

  private cutTo(offset: number): void {
    if (this.offset <= offset) return
    this.offset = offset
    this.isTorn = true
    try {
      this.cut()
    } catch {
      // The next write begins with it.
    }
  }

  private cut(): void {
    if (this.isTorn) ftruncateSync(this.descriptor, this.offset)
    this.isTorn = false
  }

  /** Without it a spool that refused all calls, and is therefore sent none, would never find out that it works again. */
  private probe(): void {
    if (!this.failing.has('write') || this.flushing) return
    const { offset } = this
    this.append(PROBE)
    this.cutTo(offset)
  }

  private report(what: 'write' | 'sync', failure: unknown): void {
    const wasFailing = this.isFailing
    if (failure === undefined) this.failing.delete(what)
    else this.failing.add(what)
    if (this.isFailing !== wasFailing) this.settings.onHealth(failure)
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
      this.removeAttempt(path)
      return
    }
    const old = this.descriptor
    fdatasync(old, (failure) => {
      if (failure && fsync === 'interval') this.report('sync', failure) // with `always` it was on disk before
      close(old, () => undefined)
    })
    this.descriptor = next
    this.segment += 1
    this.offset = carried.length
    this.synced = carried.length
    this.isDirty = true
  }

  private removeAttempt(path: string): void {
    try {
      rmSync(path, { force: true })
    } catch {
      // The next attempt begins the file anew.
    }
  }

  private async syncIfDirty(): Promise<void> {
    if (!this.isDirty) return
    this.isDirty = false
    const failure = await new Promise((resolve) => fdatasync(this.descriptor, resolve))
    if (failure) this.isDirty = true
    this.report('sync', failure ?? undefined)
  }
}
