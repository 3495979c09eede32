import type { Store } from '../domain/store.ts'
import { type Database, ping } from './database.ts'
import { storeError } from './engine-errors.ts'
import { writeEntries } from './entries.ts'
import { createKeyLookup } from './key-lookup.ts'
import { type Listener, startListener } from './listener.ts'
import type { PostgresSettings } from './postgres.ts'
import { prune } from './retention.ts'
import { type RetrySettings, retrying } from './retry.ts'
import { readKeyRevision, readRevision } from './revision.ts'
import { createTurns, type Turns } from './turns.ts'

interface DatabaseStoreParts {
  readonly database: Database
  readonly retry: RetrySettings
  /** Makes or verifies the schema. */
  readonly initialise: () => Promise<void>
  /** Runs work while nothing else that moves leases is under way. */
  readonly alone?: Turns
  /** A direct connection, where the database can tell of changes. */
  readonly direct?: PostgresSettings | undefined
}

/** A database, PostgreSQL or SQLite, as the storage of the request path. */
export function createDatabaseStore({
  database,
  retry,
  initialise,
  direct,
  alone = createTurns(),
}: DatabaseStoreParts): Store {
  const lookup = createKeyLookup(database)
  let listener: Listener | undefined

  const attempt = async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw storeError(operation, error)
    }
  }
  return {
    initialise,
    findByHash: (hash, usedSince) => retrying('find a key', retry, () => lookup.findByHash(hash, usedSince)),
    usageOf: (id, usedSince) => retrying('read what a key has used', retry, () => lookup.usageOf(id, usedSince)),
    findByIds: (ids) => retrying('read keys', retry, () => lookup.findByIds(ids)),
    findInUse: (lastUsedSince, usedSince) =>
      attempt('read which keys are in use', () => lookup.findInUse(lastUsedSince, usedSince)),
    revision: () =>
      attempt('read the revision', async () => {
        const heard = listener?.isStanding() ? await listener.revision().catch(() => undefined) : undefined
        return heard ?? readRevision(database) // a connection that listened and is gone is not the database
      }),
    keyRevision: () => attempt('read the revision of the keys', () => readKeyRevision(database)),
    // Not tried again here: the entries are in the spool, and the ledger comes back with them.
    write: ({ rows, mark }) => alone(() => attempt('write entries', () => writeEntries(database, rows, mark?.spool))),
    markOf: async () => undefined, // what was written is told by the ids
    prune: (logsBefore, windowsBefore, now) => attempt('prune', () => prune(database, logsBefore, windowsBefore, now)),
    ...(direct && {
      listen(onHint: () => void) {
        listener = startListener(direct, onHint)
        return listener
      },
    }),
    ping: () => ping(database),
    close: () => database.close(),
  }
}
