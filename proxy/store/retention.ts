import { QueryTypes } from 'sequelize'
import { decodeTime } from 'ulid'
import type { Database } from './database.ts'

const CHUNK_ROWS = 5000

/**
 * Whether an entry may still be written. The row of an older one may have been deleted, and with it the knowledge that
 * it was counted: so both go by the time in the id.
 */
export function isRetained({ id }: { readonly id: string }, logsBefore: number): boolean {
  return decodeTime(id) >= logsBefore
}

/** Deletes what is older than its retention, in chunks so that no commit waits long for the lock. Answers how many entries went. */
export async function prune(database: Database, logsBefore: number, windowsBefore: number): Promise<number> {
  const { sequelize } = database
  await database.write((transaction) =>
    sequelize.query('DELETE FROM usage_windows WHERE minute < $1', { bind: [windowsBefore], transaction }),
  )
  let deleted = 0
  for (;;) {
    // By id, which is sorted by time: the table needs no index for it.
    const oldest = await sequelize.query<{ id: string }>(
      `SELECT id FROM request_logs ORDER BY id LIMIT ${CHUNK_ROWS}`,
      {
        type: QueryTypes.SELECT,
      },
    )
    const last = oldest.findLast((row) => !isRetained(row, logsBefore))
    if (last === undefined) return deleted
    await database.write((transaction) =>
      sequelize.query('DELETE FROM request_logs WHERE id <= $1', { bind: [last.id], transaction }),
    )
    deleted += oldest.indexOf(last) + 1
  }
}
