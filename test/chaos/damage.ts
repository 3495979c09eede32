import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadPosition, segmentPath, segmentsOf } from '../../proxy/ledger/segments.ts'
import type { Random } from './random.ts'

const LINE_FEED = 0x0a
/** Kind, checksum and space: what stands before the JSON of a record. */
const PREFIX_BYTES = 10

interface Line {
  readonly path: string
  readonly start: number
  readonly end: number
}

export interface DamagedRecord {
  readonly kind: 'opened' | 'closed'
  readonly requestId: string
}

/** Damages one record that is not in the database yet, in the spool of a process that is dead; undefined if all are. */
export function damageSpool(spoolDir: string, random: Random): DamagedRecord | undefined {
  const [first, ...others] = readdirSync(spoolDir).flatMap((name) => waitingLines(join(spoolDir, name)))
  if (first === undefined) return undefined
  const { path, start, end } = random.pick([first, ...others])
  const bytes = readFileSync(path)
  const json: unknown = JSON.parse(bytes.toString('utf8', start + PREFIX_BYTES, end))
  const at = start + PREFIX_BYTES + Math.floor(random.next() * (end - start - PREFIX_BYTES))
  if (random.chance(0.5)) {
    bytes[at] = (bytes[at] ?? 0) ^ 1 // no byte of JSON becomes a line feed by that
    writeFileSync(path, bytes)
  } else {
    writeFileSync(path, Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])) // torn, up to its line's end
  }
  const kind = bytes[start] === 'c'.charCodeAt(0) ? 'closed' : 'opened'
  return { kind, requestId: String((json as readonly unknown[])[1]) } // safe: a row begins with id and request id
}

function waitingLines(folder: string): readonly Line[] {
  const applied = loadPosition(folder)
  return segmentsOf(folder).flatMap((segment) => {
    if (segment < applied.segment) return []
    return linesOf(segmentPath(folder, segment), segment === applied.segment ? applied.offset : 0)
  })
}

function linesOf(path: string, from: number): readonly Line[] {
  const bytes = readFileSync(path)
  const lines: Line[] = []
  for (let start = from; ;) {
    const end = bytes.indexOf(LINE_FEED, start)
    if (end === -1) return lines
    lines.push({ path, start, end })
    start = end + 1
  }
}
