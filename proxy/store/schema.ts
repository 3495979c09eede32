import { StoreError } from '../domain/store-error.ts'
import { type Database, select, tableOf } from './database.ts'

/** A row of `schema_migrations`. */
export interface AppliedMigration {
  /** `NNNN-what-it-does`; the number is the schema's. */
  readonly name: string
  /** The oldest schema number whose program may still use the result. */
  readonly minReader: number
  readonly appliedAt: number
}

/**
 * How a schema stands to a program. `newer` serves: a later program has migrated, and says that this one may go on.
 * `behind` will serve once `schema up` was run; `too-new` never.
 */
export type SchemaStanding =
  | { readonly kind: 'current' | 'newer' }
  | { readonly kind: 'behind'; readonly missing: readonly string[] }
  | { readonly kind: 'too-new'; readonly minReader: number }

export function schemaStanding(
  applied: readonly Pick<AppliedMigration, 'name' | 'minReader'>[],
  known: readonly string[],
): SchemaStanding {
  const own = numberOf(known.at(-1) ?? '0')
  const later = applied.filter(({ name }) => numberOf(name) > own)
  const minReader = Math.max(0, ...later.map((migration) => migration.minReader))
  if (minReader > own) return { kind: 'too-new', minReader }
  const names = new Set(applied.map(({ name }) => name))
  const missing = known.filter((name) => !names.has(name))
  if (missing.length > 0) return { kind: 'behind', missing }
  return { kind: later.length > 0 ? 'newer' : 'current' }
}

export function numberOf(name: string): number {
  return Number.parseInt(name, 10)
}

/**
 * What has been applied, oldest first; nothing in an empty database. Throws `StoreError` where the tables are another
 * program's: making ours among them could only do harm.
 */
export async function readMigrations(database: Database): Promise<readonly AppliedMigration[]> {
  const columns = await columnsOf(database)
  if (columns.length === 0) return []
  const own = new Set(columns.filter(({ table }) => table === 'schema_migrations').map(({ column }) => column))
  if (!['name', 'min_reader', 'applied_at'].every((column) => own.has(column))) {
    throw foreignTables(database, columns[0]?.table ?? '')
  }
  return select<AppliedMigration>(
    database,
    `SELECT name, min_reader AS "minReader", applied_at AS "appliedAt" FROM ${tableOf(database, 'schema_migrations')} ORDER BY name`,
  )
}

/** From the catalogue: information_schema hides what the user has no right to, and that is there all the same. */
function columnsOf(database: Database): Promise<{ table: string; column: string }[]> {
  return database.engine === 'postgres'
    ? select(
        database,
        `SELECT c.relname AS "table", a.attname AS "column" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
           AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2`,
        [database.schema ?? ''],
      )
    : select(
        database,
        `SELECT t.name AS "table", c.name AS "column" FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%' ORDER BY 1, 2`,
      )
}

function foreignTables({ engine, schema }: Database, table: string): StoreError {
  const where =
    engine === 'postgres'
      ? `DB_SCHEMA: the schema ${schema} holds the table ${table} of another program; set DB_SCHEMA to a name of its own.`
      : `DATABASE_PATH: the file holds the table ${table} of another program; name a file of its own.`
  return new StoreError('query', where, { operation: 'read the schema', table })
}
