import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Position } from '../domain/spool-mark.ts'

const POSITION_FILE = 'position'

export function segmentPath(folder: string, segment: number): string {
  return join(folder, `${String(segment).padStart(8, '0')}.spool`)
}

/** The numbers of the segments in a folder, ascending. */
export function segmentsOf(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.spool'))
    .map((name) => Number.parseInt(name, 10))
    .toSorted((a, b) => a - b)
}

/**
 * Where a folder's position is written: in place, and not as a new file, which would cost the file system a hundred
 * times as much. It fits into one sector, and if it is damaged all the same, reading starts at the oldest segment, which
 * costs time and nothing else, since an entry is applied only once.
 */
export class PositionFile {
  private readonly path: string
  private descriptor: number | undefined

  constructor(folder: string) {
    this.path = join(folder, POSITION_FILE)
  }

  save({ segment, offset }: Position): void {
    this.descriptor ??= openSync(this.path, constants.O_RDWR | constants.O_CREAT, 0o600)
    const text = `${String(segment).padStart(8, '0')} ${String(offset).padStart(16, '0')}\n`
    writeSync(this.descriptor, text, 0)
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
  }
}

export function loadPosition(folder: string): Position {
  try {
    const match = /^(\d{8}) (\d{16})\n$/.exec(readFileSync(join(folder, POSITION_FILE), 'utf8'))
    if (match) return { segment: Number(match[1]), offset: Number(match[2]) }
  } catch {
    // Not written yet.
  }
  return { segment: 0, offset: 0 }
}
