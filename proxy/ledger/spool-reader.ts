import { closeSync, openSync, read, rmSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Opened } from '../domain/entry.ts'
import type { Position } from '../domain/spool-mark.ts'
import { CLOSED, parseRecord } from './record.ts'
import { loadPosition, PositionFile, segmentPath, segmentsOf } from './segments.ts'

const CHUNK_BYTES = 256 * 1024
const LINE_FEED = 0x0a
const readAsync = promisify(read)

export interface SpoolBatch {
  /** The JSON of an `EntryRow` each. */
  readonly rows: readonly string[]
  /** What is to be saved once the entries are in the database. */
  readonly position: Position
  /** Nothing further is to be read at the moment. */
  readonly isAtEnd: boolean
}

interface Options {
  /** How far the folder has been written, where its writer lives in this process; else up to the files' ends. */
  readonly end?: () => Position
  readonly onDamage: (detail: { readonly folder: string; readonly segment: number; readonly offset: number }) => void
}

/**
 * Reads the closed records of a spool folder in order, in bounded batches. The folder of a dead process also tells
 * which calls it left open: `unfinished()`, once everything is read.
 */
export class SpoolReader {
  private readonly folder: string
  private readonly options: Options
  private readonly positionFile: PositionFile
  /** Everything before it is in the database. */
  private applied: Position
  private at: Position
  private readonly opened = new Map<string, Opened>()
  private file: { readonly segment: number; readonly descriptor: number } | undefined
  private readonly chunk = Buffer.allocUnsafe(CHUNK_BYTES)

  constructor(folder: string, options: Options) {
    this.folder = folder
    this.options = options
    this.positionFile = new PositionFile(folder)
    this.applied = loadPosition(folder)
    this.at = { segment: segmentsOf(folder)[0] ?? 1, offset: 0 }
  }

  /** The store itself remembers to have everything before `position`. */
  skipTo(position: Position): void {
    if (isBefore(this.applied, position)) this.applied = position
  }

  async next(max: number): Promise<SpoolBatch> {
    const rows: string[] = []
    const from = this.at
    try {
      while (rows.length < max) {
        const lines = await this.readLines(max, rows)
        if (lines === 0) return { rows, position: this.at, isAtEnd: true }
      }
    } catch (error) {
      this.at = from // what was read so far goes with this call
      throw error
    }
    return { rows, position: this.at, isAtEnd: false }
  }

  /** The calls that were opened and never closed, as far as the folder has been read. */
  unfinished(): readonly Opened[] {
    return [...this.opened.values()]
  }

  /** Remembers that everything before `position` is in the database, and removes the segments that are done with. */
  advance(position: Position): void {
    // Removed first: on a full disk that is what makes room for the position.
    if (position.segment > this.applied.segment) {
      for (const segment of segmentsOf(this.folder)) {
        if (segment < position.segment) rmSync(segmentPath(this.folder, segment))
      }
    }
    this.applied = position
    this.positionFile.save(position)
  }

  /** Bytes on disk that are not in the database yet. */
  backlogBytes(): number {
    const end = this.options.end?.()
    if (end?.segment === this.applied.segment) return end.offset - this.applied.offset
    let bytes = 0
    for (const segment of segmentsOf(this.folder)) {
      const applied = segment === this.applied.segment ? this.applied.offset : 0
      if (segment >= this.applied.segment) bytes += statSync(segmentPath(this.folder, segment)).size - applied
    }
    return bytes
  }

  close(): void {
    this.closeSegment()
    this.positionFile.close()
  }

  /** Reads one chunk and takes its whole lines until `into` has `max` entries; answers how many lines there were. */
  private async readLines(max: number, into: string[]): Promise<number> {
    const limit = this.limitOfSegment()
    const wanted = Math.min(CHUNK_BYTES, limit - this.at.offset)
    if (wanted <= 0) return this.moveOn() ? this.readLines(max, into) : 0

    const { bytesRead } = await readAsync(this.open(), this.chunk, 0, wanted, this.at.offset)
    let from = 0
    let lines = 0
    while (into.length < max) {
      const end = this.chunk.indexOf(LINE_FEED, from)
      if (end === -1 || end >= bytesRead) break
      this.take(from, end, into)
      from = end + 1
      lines += 1
    }
    this.at = { segment: this.at.segment, offset: this.at.offset + from }
    if (lines > 0) return lines
    // No line ends here. A live writer will complete it; a dead one has torn it, and its call counts as not closed.
    if (this.options.end) return 0
    if (bytesRead === CHUNK_BYTES) this.reportDamage(this.at.offset)
    this.at = { segment: this.at.segment, offset: this.at.offset + bytesRead }
    return this.readLines(max, into)
  }

  private take(from: number, end: number, into: string[]): void {
    // In a live folder the opened lines are only for the one who comes after us: not worth parsing.
    if (this.options.end && this.chunk[from] !== CLOSED) return
    const offset = this.at.offset + from
    const record = parseRecord(this.chunk.subarray(from, end))
    if (record === undefined) this.reportDamage(offset)
    else if (record.kind === 'opened') this.opened.set(record.opened.id, record.opened)
    else {
      this.opened.delete(record.id)
      if (!isBefore({ segment: this.at.segment, offset }, this.applied)) into.push(record.row)
    }
  }

  private reportDamage(offset: number): void {
    this.options.onDamage({ folder: this.folder, segment: this.at.segment, offset })
  }

  private limitOfSegment(): number {
    const end = this.options.end?.()
    if (end?.segment === this.at.segment) return end.offset
    return statSync(segmentPath(this.folder, this.at.segment), { throwIfNoEntry: false })?.size ?? 0
  }

  private moveOn(): boolean {
    const last = this.options.end?.().segment ?? segmentsOf(this.folder).at(-1) ?? this.at.segment
    if (this.at.segment >= last) return false
    this.at = { segment: this.at.segment + 1, offset: 0 }
    return true
  }

  private open(): number {
    if (this.file?.segment !== this.at.segment) {
      this.closeSegment()
      this.file = { segment: this.at.segment, descriptor: openSync(segmentPath(this.folder, this.at.segment), 'r') }
    }
    return this.file.descriptor
  }

  private closeSegment(): void {
    if (this.file) closeSync(this.file.descriptor)
    this.file = undefined
  }
}

function isBefore(a: Position, b: Position): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset)
}
