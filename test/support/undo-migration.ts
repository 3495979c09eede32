import { type Database, run, tableOf } from '../../proxy/store/database.ts'
import { migrationNames } from '../../proxy/store/migrate.ts'

/** Makes the schema what it was before the last migration. */
export async function undoLast(database: Database): Promise<void> {
  const name = (table: string): string => tableOf(database, table)
  for (const index of ['session', 'errors', 'ended', 'reported']) {
    await run(database, `DROP INDEX ${name(`request_logs_${index}`)}`)
  }
  await run(database, `DELETE FROM ${name('schema_migrations')} WHERE name = '${migrationNames.at(-1)}'`)
}
