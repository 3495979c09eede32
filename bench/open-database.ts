import type { Database } from '../proxy/store/database.ts'
import { migrate } from '../proxy/store/migrate.ts'
import { openPostgres } from '../proxy/store/postgres.ts'
import { openSqlite } from '../proxy/store/sqlite.ts'
import type { GatewayHome } from './gateway.ts'

/** The database of a gateway that has not started yet, with its schema. */
export async function openDatabase(home: GatewayHome['database']): Promise<Database> {
  const database = 'DATABASE_PATH' in home ? await openSqlite(home.DATABASE_PATH) : await openServer(home.DATABASE_URL)
  await migrate(database)
  return database
}

function openServer(url: string): Promise<Database> {
  return openPostgres({
    url,
    schema: 'tollgate',
    sslMode: undefined,
    sslRootCert: undefined,
    applicationName: 'bench',
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 0,
    pool: { max: 2, idleMs: 20_000 },
    isPooler: false,
  })
}
