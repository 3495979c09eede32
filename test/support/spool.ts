import type { Entry, Opened } from '../../proxy/domain/entry.ts'
import { entryOfJson } from '../../proxy/domain/entry-row.ts'
import { closedLine, openedLine } from '../../proxy/ledger/record.ts'
import { type SpoolBatch, SpoolReader } from '../../proxy/ledger/spool-reader.ts'
import { type Fsync, SpoolWriter } from '../../proxy/ledger/spool-writer.ts'

export interface Spool {
  readonly writer: SpoolWriter
  /** What the writer has told of its health. */
  readonly health: readonly unknown[]
  readonly open: (opened: Opened) => Promise<void>
  readonly close: (entry: Entry) => Promise<void>
}

interface SpoolOptions {
  readonly segmentBytes?: number
  readonly fsync?: Fsync
}

export function writeSpool(folder: string, { segmentBytes = 1e6, fsync = 'off' }: SpoolOptions = {}): Spool {
  const health: unknown[] = []
  const writer = new SpoolWriter({ folder, fsync, segmentBytes, onHealth: (failure) => health.push(failure) })
  return {
    writer,
    health,
    open: (opened) => writer.open(opened.id, openedLine(opened)),
    close: (entry) => writer.close(entry.id, closedLine(entry)),
  }
}

/** Everything that can be read at the moment, batch by batch. */
export async function readBatches(reader: SpoolReader, max = 500): Promise<readonly SpoolBatch[]> {
  const batches: SpoolBatch[] = []
  do batches.push(await reader.next(max))
  while (batches.at(-1)?.isAtEnd === false)
  return batches
}

export async function readAll(reader: SpoolReader, max = 500): Promise<readonly Entry[]> {
  return (await readBatches(reader, max)).flatMap(({ rows }) => rows.map(entryOfJson))
}

/** What a process finds that adopts the folder now. */
export async function readDead(folder: string, max = 500) {
  const damages: object[] = []
  const reader = new SpoolReader(folder, { onDamage: (detail) => damages.push(detail) })
  const entries = await readAll(reader, max)
  reader.close()
  return { entries, unfinished: reader.unfinished(), damages }
}
