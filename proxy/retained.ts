import type { Config } from './config.ts'
import { idOfRow } from './domain/entry-row.ts'
import { oldestRetainedId } from './store/retention.ts'
import type { Storage } from './storage.ts'
import type { Log } from './telemetry/log.ts'

const DAY_MS = 86_400_000
/** Nothing younger is ever removed: what comes in time costs no question. */
const LATE_MS = DAY_MS

/**
 * Picks the rows of which can be told whether they were counted already. The others, late ones out of the spool of a
 * process that is long gone, are refused, and the log says so. Throws `StoreError`.
 */
export function createRetained(
  { LOG_RETENTION_DAYS }: Pick<Config, 'LOG_RETENTION_DAYS'>,
  { removedBefore }: Pick<Storage, 'removedBefore'>,
  now: () => number,
  log: Pick<Log, 'error'>,
): (rows: readonly string[]) => Promise<readonly string[]> {
  return async (rows) => {
    const late = oldestRetainedId(now() - LATE_MS)
    if (rows.every((row) => idOfRow(row) >= late)) return rows
    const oldest = oldestRetainedId(now() - LOG_RETENTION_DAYS * DAY_MS)
    const removed = await removedBefore()
    return rows.filter((row) => {
      const id = idOfRow(row)
      if (id >= oldest && id >= removed) return true
      const why = id < oldest ? 'is older than LOG_RETENTION_DAYS' : 'is of a time whose entries were removed'
      log.error({ id }, `an entry ${why} and was refused`)
      return false
    })
  }
}
