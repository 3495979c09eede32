// A process that brings the schema of a SQLite file up to date: migrate-once.ts PATH. Prints how many migrations it ran.
import { openSqlite } from '../../proxy/store/database.ts'
import { migrate } from '../../proxy/store/migrate.ts'

const database = await openSqlite(process.argv[2] ?? '')
process.stdout.write(`${(await migrate(database)).length}\n`)
await database.close()
