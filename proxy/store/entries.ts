import { idOfRow } from '../domain/entry-row.ts'
import type { Applied } from '../domain/store.ts'
import type { Database } from './database.ts'
import { writeToPostgres } from './entries-postgres.ts'
import { writeToSqlite } from './entries-sqlite.ts'

/**
 * Writes entries, each the JSON of an `EntryRow`, and moves the counters by what is new, all at once or not at all. An
 * entry that is there already moves nothing; a closed one that meets an interrupted one corrects it, and moves the
 * counters by the difference. What the process of `spool` has spent leaves the leases that it had for it.
 */
export async function writeEntries(
  database: Database,
  rows: readonly string[],
  spool = '',
): Promise<readonly Applied[]> {
  const write = database.engine === 'postgres' ? writeToPostgres : writeToSqlite
  const applied: Applied[] = []
  for (const distinct of withoutRepeats(rows)) {
    applied.push(...(await write(database, `[${distinct.join(',')}]`, spool)))
  }
  return applied
}

/** One statement does not change one row twice: what comes again goes into a batch of its own, behind the first. */
function withoutRepeats(rows: readonly string[]): readonly (readonly string[])[] {
  const ids = new Set(rows.map(idOfRow))
  if (ids.size === rows.length) return rows.length === 0 ? [] : [rows]
  const first: string[] = []
  const rest: string[] = []
  for (const row of rows) (ids.delete(idOfRow(row)) ? first : rest).push(row)
  return [first, ...withoutRepeats(rest)]
}
