import { crc32 } from 'node:zlib'
import type { Entry, Opened } from '../domain/entry.ts'

/**
 * One line of the spool: `o` or `c` (opened, closed), the CRC-32 of the JSON in eight hex digits, a space, the JSON.
 * Lines find their own beginning again behind a damaged one, and can be read by a person. A closed record says
 * everything, so that it stands without its opened one.
 */
export type SpoolRecord =
  | { readonly kind: 'opened'; readonly opened: Opened }
  | { readonly kind: 'closed'; readonly entry: Entry }

export const OPENED = 0x6f
export const CLOSED = 0x63

export function openedLine(opened: Opened): string {
  return line('o', opened)
}

export function closedLine(entry: Entry): string {
  return line('c', entry)
}

function line(kind: 'o' | 'c', value: object): string {
  const json = JSON.stringify(value)
  return `${kind}${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

/** Undefined when the line is damaged. The CRC vouches for the shape: whoever wrote it was this program. */
export function parseLine(text: string): SpoolRecord | undefined {
  const json = text.slice(10)
  const kind = text[0]
  if ((kind !== 'o' && kind !== 'c') || Number.parseInt(text.slice(1, 9), 16) !== crc32(json)) return undefined
  return kind === 'o'
    ? { kind: 'opened', opened: JSON.parse(json) as Opened } // safe: see above
    : { kind: 'closed', entry: JSON.parse(json) as Entry } // safe: see above
}
