// A process that holds the operation lock until it is killed: operation-holder.ts URL APPLICATION_NAME
import { withOperationLock } from '../../proxy/store/operation-lock.ts'
import { openPostgres } from '../../proxy/store/postgres.ts'
import { postgresSettings } from './database.ts'

const [, , url = '', applicationName = ''] = process.argv
const database = await openPostgres({ ...postgresSettings(url), applicationName })
await withOperationLock(
  database,
  () => undefined,
  () => {
    process.stdout.write('ready\n')
    process.stdin.resume()
    return new Promise<never>(() => undefined)
  },
)
