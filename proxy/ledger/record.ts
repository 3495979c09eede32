import { crc32 } from 'node:zlib'
import type { Entry, FailedAttempt, Opened } from '../domain/entry.ts'
import { idOfRow, rowJson } from '../domain/entry-row.ts'

/**
 * One line of the spool: `o` or `c` (opened, closed), the CRC-32 of the JSON in eight hex digits, a space, the JSON.
 * Lines find their own beginning again behind a damaged one. A closed record says everything, so that it stands
 * without its opened one.
 */
export type SpoolRecord =
  | { readonly kind: 'opened'; readonly opened: Opened }
  | { readonly kind: 'closed'; readonly id: string; readonly row: string }

/** The first byte of a closed record. */
export const CLOSED = 0x63
const OPENED = 0x6f
const SPACE = 0x20
const CHECKSUM_CHARS = 8
const PREFIX_CHARS = 1 + CHECKSUM_CHARS + 1

export function openedLine(opened: Opened): string {
  const { id, requestId, keyId, tenantId, endpoint, model, stream, channel, admittedAt, estimate, attempts } = opened
  const { inputTokens, outputTokens } = estimate
  const row = [id, requestId, keyId, endpoint, model, stream, channel, admittedAt, inputTokens, outputTokens]
  row.push(attempts.length === 0 ? null : JSON.stringify(attempts), tenantId)
  return recordOf('o', OPENED, JSON.stringify(row))
}

export function closedLine(entry: Entry): string {
  return recordOf('c', CLOSED, rowJson(entry))
}

function recordOf(kind: 'o' | 'c', code: number, json: string): string {
  return `${kind}${checksumOf(code, json)} ${json}\n`
}

/** The checksum begins with the kind, so that no damaged byte can turn a record into one of the other kind. */
function checksumOf(code: number, json: string | Buffer): string {
  return crc32(json, code).toString(16).padStart(CHECKSUM_CHARS, '0')
}

/**
 * The record of a line without its end; undefined when it is damaged. The CRC vouches for the shape, since whoever
 * wrote it was this program: the row of a closed record is handed on as the text that it is.
 */
export function parseRecord(line: Buffer): SpoolRecord | undefined {
  const kind = line[0]
  if ((kind !== OPENED && kind !== CLOSED) || line[PREFIX_CHARS - 1] !== SPACE) return undefined
  const json = line.subarray(PREFIX_CHARS)
  if (line.toString('latin1', 1, 1 + CHECKSUM_CHARS) !== checksumOf(kind, json)) return undefined
  const text = json.toString('utf8')
  if (kind === CLOSED) return { kind: 'closed', id: idOfRow(text), row: text }
  return { kind: 'opened', opened: openedFromRow(JSON.parse(text) as OpenedRow) }
}

type OpenedRow = readonly [
  ...(readonly [string, string, string, string, string | null, boolean, string, number, number, number]),
  attempts?: string | null,
  tenantId?: string | null,
]

function openedFromRow(row: OpenedRow): Opened {
  const [id, requestId, keyId, endpoint, model, stream, channel, admittedAt, inputTokens, outputTokens, ...later] = row
  const [before, tenantId] = later
  const estimate = { inputTokens, outputTokens }
  const attempts = JSON.parse(before ?? '[]') as FailedAttempt[] // safe: written by openedLine
  const whose = { keyId, tenantId: tenantId ?? null }
  return { id, requestId, ...whose, endpoint, model, stream, channel, admittedAt, estimate, attempts }
}
