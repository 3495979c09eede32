import type { QueryInterface, Transaction } from 'sequelize'
import type { UmzugStorage } from 'umzug'
import type { Database } from './database.ts'
import { initial } from './migrations/0001-initial.ts'

export interface Migration {
  /** `NNNN-what-it-does`. */
  readonly name: string
  /** The oldest schema number whose program may still use the result. */
  readonly minReader: number
  readonly up: (query: QueryInterface, transaction: Transaction) => Promise<void>
}

/** Append-only: a migration that was released is never edited. */
const migrations: readonly Migration[] = [initial]

/** Brings the schema up to date, each migration in a transaction of its own. Answers the names of those that ran. */
export async function migrate(database: Database): Promise<readonly string[]> {
  const { sequelize } = database
  const query = sequelize.getQueryInterface()
  await sequelize.query(
    'CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, min_reader INTEGER NOT NULL, applied_at BIGINT NOT NULL)',
  )
  const executed = await executedIn(database)
  if (migrations.every(({ name }) => executed.includes(name))) return []

  const { Umzug } = await import('umzug') // 7 MB that the usual start does not need
  const storage: UmzugStorage = {
    executed: () => executedIn(database),
    logMigration: async () => {}, // each migration has recorded itself
    unlogMigration: async () => {},
  }
  const umzug = new Umzug({
    logger: undefined,
    storage,
    migrations: migrations.map(({ name, minReader, up }) => ({
      name,
      // Recorded in the migration's own transaction: what is half done is not there at all.
      up: () =>
        database.write(async (transaction) => {
          const [rows] = await sequelize.query('SELECT name FROM schema_migrations WHERE name = $1', {
            bind: [name],
            transaction,
          })
          if (rows.length > 0) return // another process was faster
          await up(query, transaction)
          await sequelize.query('INSERT INTO schema_migrations (name, min_reader, applied_at) VALUES ($1, $2, $3)', {
            bind: [name, minReader, Date.now()],
            transaction,
          })
        }),
    })),
  })
  return (await umzug.up()).map(({ name }) => name)
}

async function executedIn({ sequelize }: Database): Promise<string[]> {
  const [rows] = await sequelize.query('SELECT name FROM schema_migrations ORDER BY name')
  return (rows as { name: string }[]).map(({ name }) => name) // safe: the column is NOT NULL TEXT
}
