import { crc32 } from 'node:zlib'
import type { Entry, Opened } from '../domain/entry.ts'
import { type EntryRow, entryFromRow, entryToRow } from '../domain/entry-row.ts'

/**
 * One line of the spool: `o` or `c` (opened, closed), the CRC-32 of the JSON in eight hex digits, a space, the JSON.
 * Lines find their own beginning again behind a damaged one. A closed record says everything, so that it stands
 * without its opened one.
 */
export type SpoolRecord =
  | { readonly kind: 'opened'; readonly opened: Opened }
  | { readonly kind: 'closed'; readonly entry: Entry }

/** The first byte of a closed record. */
export const CLOSED = 0x63
const PREFIX_CHARS = 10

export function openedLine(opened: Opened): string {
  const { id, requestId, keyId, endpoint, model, stream, channel, admittedAt, estimate } = opened
  const { inputTokens, outputTokens } = estimate
  return line('o', [id, requestId, keyId, endpoint, model, stream, channel, admittedAt, inputTokens, outputTokens])
}

export function closedLine(entry: Entry): string {
  return line('c', entryToRow(entry))
}

function line(kind: 'o' | 'c', row: EntryRow): string {
  const json = JSON.stringify(row)
  return `${prefixOf(kind, json)}${json}\n`
}

/** The checksum begins with the kind, so that no damaged byte can turn a record into one of the other kind. */
function prefixOf(kind: 'o' | 'c', json: string): string {
  const checksum = crc32(json, kind.charCodeAt(0)).toString(16)
  return `${kind}${checksum.padStart(8, '0')} `
}

/** Undefined when the line is damaged. The CRC vouches for the shape: whoever wrote it was this program. */
export function parseLine(text: string): SpoolRecord | undefined {
  const json = text.slice(PREFIX_CHARS)
  const kind = text[0]
  if ((kind !== 'o' && kind !== 'c') || text.slice(0, PREFIX_CHARS) !== prefixOf(kind, json)) return undefined
  if (kind === 'c') return { kind: 'closed', entry: entryFromRow(JSON.parse(json) as EntryRow) }
  return { kind: 'opened', opened: openedFromRow(JSON.parse(json) as OpenedRow) }
}

type OpenedRow = readonly [string, string, string, string, string | null, boolean, string, number, number, number]

function openedFromRow(row: OpenedRow): Opened {
  const [id, requestId, keyId, endpoint, model, stream, channel, admittedAt, inputTokens, outputTokens] = row
  const estimate = { inputTokens, outputTokens }
  return { id, requestId, keyId, endpoint, model, stream, channel, admittedAt, estimate }
}
