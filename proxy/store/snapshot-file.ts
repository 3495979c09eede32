import { randomUUID } from 'node:crypto'
import { renameSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { KeyRecord } from '../domain/key.ts'
import type { KeptConfiguration } from './call-configuration.ts'

/** What a process knows, as it keeps it on its own disk for a time without a database. */
export interface Snapshot {
  /** When this was last known to be the truth; milliseconds since the epoch. */
  readonly freshAt: number
  /** Those in use. */
  readonly keys: readonly KeyRecord[]
  /** Undefined in what a program has written that kept the keys alone. */
  readonly configuration: KeptConfiguration | undefined
}

/** What a snapshot is of: a process with another database or schema must not use it. */
export interface SnapshotSource {
  /** Tells databases apart without telling where they are. */
  readonly database: string
  /** The newest migration that was verified. */
  readonly schema: string
}

interface Header extends SnapshotSource {
  readonly format: typeof FORMAT
  readonly freshAt: number
  /** Here, since a reader passes over what it does not know of a header, and takes every other line for a key. */
  readonly configuration?: KeptConfiguration
}

const FORMAT = 1
/** The event loop is let go between so many keys. */
const KEYS_A_PIECE = 100

/**
 * Writes a header, a line for each key and a checksum, under another name first: a reader sees a whole snapshot. Keys
 * are there as hashes, and secrets of channels as the database has them, encrypted. What it holds may be old, but is never half.
 */
export async function writeSnapshot(
  path: string,
  source: SnapshotSource,
  snapshot: Snapshot,
  isCurrent: () => boolean = () => true,
): Promise<void> {
  const making = `${path}.${randomUUID()}`
  const file = await open(making, 'wx', 0o600)
  try {
    let checksum = 0
    const append = async (text: string): Promise<void> => {
      checksum = crc32(text, checksum)
      await file.appendFile(text)
    }
    const { freshAt, keys, configuration } = snapshot
    const header: Header = { format: FORMAT, ...source, freshAt, ...(configuration && { configuration }) }
    await append(`${JSON.stringify(header)}\n`)
    for (let at = 0; at < keys.length; at += KEYS_A_PIECE) {
      const piece = keys.slice(at, at + KEYS_A_PIECE)
      await append(piece.map((key) => `${JSON.stringify(key)}\n`).join(''))
    }
    await file.appendFile(`${checksum}\n`)
    await file.close()
    // In one turn: what is outdated between the look and the renaming would take the place of what is newer.
    if (isCurrent()) renameSync(making, path)
    else await rm(making, { force: true })
  } catch (error) {
    await file.close()
    await rm(making, { force: true })
    throw error
  }
}

/** Undefined where there is none, or it is damaged or of another source: then `onUseless` is told why. */
export async function readSnapshot(
  path: string,
  source: SnapshotSource,
  onUseless: (why: string) => void = () => {},
): Promise<Snapshot | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const end = text.lastIndexOf('\n', text.length - 2) + 1
  if (end === 0 || text.slice(end) !== `${crc32(text.slice(0, end))}\n`) {
    onUseless('it is damaged')
    return undefined
  }
  const [first = '', ...lines] = text.slice(0, end).trimEnd().split('\n')
  const header = JSON.parse(first) as Header // safe: the checksum vouches for it
  const { freshAt, configuration } = header
  const isOurs = header.format === FORMAT && header.database === source.database && header.schema === source.schema
  if (!isOurs) {
    onUseless('it is of another database, schema or version')
    return undefined
  }
  return { freshAt, keys: lines.map((line) => JSON.parse(line) as KeyRecord), configuration } // safe: likewise
}
