import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyRecord } from './domain/key.ts'
import type { Store } from './domain/store.ts'
import type { KeptConfiguration } from './store/call-configuration.ts'
import { readSnapshot, type Snapshot, type SnapshotSource, writeSnapshot } from './store/snapshot-file.ts'

export interface Snapshots {
  read(): Promise<Snapshot | undefined>
  /** Writes now; does nothing while what is known is not known to be the truth. */
  write(): Promise<void>
  /** Something has changed: what is there goes at once, since it may hold a key that was revoked. */
  outdate(): void
  /** Writes every `intervalMs`. */
  start(): Promise<void>
  /** The keys of the last snapshot, as they are now in the store. */
  last(): Promise<readonly KeyRecord[]>
  stop(): void
}

interface SnapshotParts {
  readonly dataDir: string
  readonly source: SnapshotSource
  readonly intervalMs: number
  readonly store: Pick<Store, 'findByIds'>
  /** The keys in memory, with what they have used. */
  readonly known: () => readonly KeyRecord[]
  /** Undefined before it was read. */
  readonly configuration: () => Promise<KeptConfiguration | undefined>
  /** When memory was last known to be the truth; 0 is never, undefined while the store is away. */
  readonly freshAt: () => number | undefined
  /** Told once for each reason. */
  readonly onUseless: (why: string) => void
  readonly onError: (error: unknown) => void
}

/** Keys that nobody used for so long are left to the database. */
const FORGOTTEN_AFTER_MS = 86_400_000

/**
 * Keeps the configuration and the keys in use on local disk. A process that has just started knows few of them, so those of the last
 * snapshot stay, as they are now in the database.
 */
export function keepSnapshots(parts: SnapshotParts): Snapshots {
  const path = join(parts.dataDir, 'keys.snapshot')
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()
  let isWaiting = false
  /** What stood in the last snapshot. */
  let last: readonly KeyRecord[] = []
  const useless = new Set<string>()
  const read = (): Promise<Snapshot | undefined> =>
    readSnapshot(path, parts.source, (why) => {
      if (!useless.has(why)) parts.onUseless(why)
      useless.add(why)
    })
  /** How often something has changed: what was gathered before a change is not to be written after it. */
  let changes = 0

  const stillThere = async (keys: readonly KeyRecord[]): Promise<readonly KeyRecord[]> => {
    if (keys.length === 0) return []
    const current = new Map((await parts.store.findByIds(keys.map(({ id }) => id))).map((key) => [key.id, key]))
    return keys.flatMap((key) => {
      const now = current.get(key.id)
      return now ? [{ ...key, ...now }] : []
    })
  }
  const write = async (): Promise<void> => {
    const before = changes
    const freshAt = parts.freshAt()
    if (freshAt === undefined || freshAt === 0) return
    const configuration = await parts.configuration()
    if (configuration === undefined) return // rather the one from before than half of one
    const known = parts.known()
    const ids = new Set(known.map(({ id }) => id))
    const oldest = freshAt - FORGOTTEN_AFTER_MS
    const others = last.filter(({ id, usage }) => !ids.has(id) && (usage.lastUsedAt ?? 0) > oldest)
    const keys = [...known, ...(await stillThere(others))]
    await writeSnapshot(path, parts.source, { freshAt, keys, configuration }, () => changes === before)
    last = keys
  }
  const writeAfter = async (before: Promise<void>): Promise<void> => {
    await before
    isWaiting = false
    await write().catch(parts.onError)
  }
  /** One that has not begun yet will see what there is now. */
  const tick = (): void => {
    if (!isWaiting) writing = writeAfter(writing)
    isWaiting = true
  }
  return {
    read,
    write() {
      tick()
      return writing
    },
    outdate() {
      changes += 1
      rmSync(path, { force: true })
    },
    async start() {
      last = (await read())?.keys ?? []
      timer = setInterval(tick, parts.intervalMs).unref()
    },
    last: () => stillThere(last),
    stop: () => clearInterval(timer),
  }
}
