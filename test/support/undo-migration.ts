import { type Database, run, tableOf } from '../../proxy/store/database.ts'
import { migrationNames } from '../../proxy/store/migrate.ts'

/** Makes the schema what it was before the last migration. */
export async function undoLast(database: Database): Promise<void> {
  const name = (table: string): string => tableOf(database, table)
  await run(database, `DROP VIEW ${name('limit_usage')}`)
  const shared = database.engine === 'postgres' ? ['replicas', 'limit_leases'] : []
  for (const table of ['limit_buckets', 'model_pricing', 'auth_blocks', ...shared]) {
    await run(database, `DROP TABLE ${name(table)}`)
  }
  if (database.engine === 'postgres') await run(database, `DROP FUNCTION ${name('borrow_leases')}`)
  const columns = {
    api_keys: ['budget_5h', 'budget_day', 'budget_month', 'budget_is_calendar', 'reset_at'],
    request_logs: ['cost_nano_usd'],
    usage_stats: ['cost_nano_usd'],
  }
  for (const [table, names] of Object.entries(columns)) {
    for (const column of names) await run(database, `ALTER TABLE ${name(table)} DROP COLUMN ${column}`)
  }
  await run(database, `DELETE FROM ${name('schema_migrations')} WHERE name = '${migrationNames.at(-1)}'`)
}
