import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A place in a spool folder: everything before it is in the database. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

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
 * Written in place: it fits into one sector, and if it is damaged all the same, reading starts at the oldest segment,
 * which costs time and nothing else, since an entry is applied only once.
 */
export function savePosition(folder: string, { segment, offset }: Position): void {
  writeFileSync(
    join(folder, POSITION_FILE),
    `${String(segment).padStart(8, '0')} ${String(offset).padStart(16, '0')}\n`,
  )
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
