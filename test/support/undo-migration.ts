import { type Database, run, tableOf } from '../../proxy/store/database.ts'
import { migrationNames } from '../../proxy/store/migrate.ts'

const columnsOfTenants = [
  'description',
  'tenant_id',
  'is_tenant_admin',
  'allowed_models',
  'allowed_channels',
  'previous_hash',
  'previous_until',
  'updated_at',
]

/** What takes back each migration that a test goes back behind, the last one first. */
const undoings: Readonly<Record<string, (name: (tableOrIndex: string) => string) => readonly string[]>> = {
  '0005-tenants': (name) => [
    ...['api_keys_previous_hash', 'api_keys_tenant'].map((index) => `DROP INDEX ${name(index)}`),
    ...columnsOfTenants.map((column) => `ALTER TABLE ${name('api_keys')} DROP COLUMN ${column}`),
    `DROP TABLE ${name('tenants')}`,
  ],
  '0006-logs': (name) =>
    ['session', 'errors', 'ended', 'reported'].map((index) => `DROP INDEX ${name(`request_logs_${index}`)}`),
  '0007-tenant-budgets': (name) => [
    `ALTER TABLE ${name('request_logs')} DROP COLUMN tenant_id`,
    `ALTER TABLE ${name('tenants')} DROP COLUMN reset_at`,
  ],
  '0008-config-backups': (name) => [`DROP TABLE ${name('config_backups')}`],
  '0009-request-bodies': (name) => [`DROP TABLE ${name('request_bodies')}`],
}

/** Makes the schema what it was before this migration, which has to be known here as all behind it. */
export async function undoSince(database: Database, first: string): Promise<void> {
  const undone = migrationNames.slice(migrationNames.indexOf(first)).toReversed()
  for (const migration of undone) {
    const undo = undoings[migration]
    if (undo === undefined) throw new Error(`nobody has said how ${migration} is undone`)
    for (const statement of undo((name) => tableOf(database, name))) await run(database, statement)
    await run(database, `DELETE FROM ${tableOf(database, 'schema_migrations')} WHERE name = '${migration}'`)
  }
}

/** Makes the schema what it was before the last migration. */
export function undoLast(database: Database): Promise<void> {
  return undoSince(database, migrationNames.at(-1) ?? '')
}
