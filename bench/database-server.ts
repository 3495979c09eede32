import { findPostgresBinaries } from '../test/support/postgres-binaries.ts'
import { type PostgresServer, startPostgres } from '../test/support/postgres.ts'
import type { Options } from './options.ts'

/** What is asked for, without what needs a PostgreSQL. */
export function withoutPostgres(options: Options): Options {
  return { ...options, targets: options.targets.filter((name) => name !== 'tollgate-postgres'), hasFleets: false }
}

/** Why there is no PostgreSQL on this machine; null where there is one. */
export function whyNoPostgres(): string | null {
  try {
    findPostgresBinaries()
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** As durable as PostgreSQL is by default, unlike the tests' servers: a commit that is not synced costs less. */
export function startDatabaseServer(): Promise<PostgresServer> {
  return startPostgres({
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    shared_buffers: '128MB',
    // For how long after its call an entry was committed.
    track_commit_timestamp: 'on',
  })
}
