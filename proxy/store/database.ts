import { Sequelize, Transaction } from 'sequelize'
import sqlite3 from 'sqlite3'
import type { DatabasePing } from '../domain/database-ping.ts'

export interface Database {
  readonly sequelize: Sequelize
  /** Runs `work` in a transaction that takes the write lock at its start: a later upgrade could deadlock. */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const BUSY_TIMEOUT_MS = 5000

/** Sequelize opens a connection per SQLite transaction; each has to wait for another process's lock. */
class PatientConnection extends sqlite3.Database {
  constructor(...options: ConstructorParameters<typeof sqlite3.Database>) {
    super(...options)
    this.configure('busyTimeout', BUSY_TIMEOUT_MS)
  }
}

export async function openSqlite(path: string): Promise<Database> {
  const sequelize = new Sequelize({
    dialect: 'sqlite',
    storage: path,
    logging: false,
    retry: { max: 1 }, // the busy time-out has waited long enough; who calls knows when to try again
    dialectModule: { ...sqlite3, Database: PatientConnection },
  })
  // WAL lets readers go on while the ledger commits (https://www.sqlite.org/wal.html). `synchronous` stays FULL: the
  // spool forgets what was committed, so a power cut must not take a commit back.
  await sequelize.query('PRAGMA journal_mode = WAL')
  // One at a time within the process: who waits for SQLite's lock holds a thread of the pool, and the one who has the
  // lock needs a thread for its next statement.
  let last: Promise<unknown> = Promise.resolve()
  return {
    sequelize,
    write(work) {
      const done = last.then(() => sequelize.transaction({ type: Transaction.TYPES.IMMEDIATE }, work))
      last = done.catch(() => undefined)
      return done
    },
    close: () => sequelize.close(),
  }
}

/** Asks the database for nothing, and how long it took. Never throws. */
export async function ping({ sequelize }: Database): Promise<DatabasePing> {
  const start = performance.now()
  const elapsed = (): number => Math.round(performance.now() - start)
  try {
    await sequelize.query('SELECT 1')
    return { type: 'sqlite', responseTimeMs: elapsed() }
  } catch (error) {
    return { type: 'sqlite', responseTimeMs: elapsed(), error: error instanceof Error ? error.message : String(error) }
  }
}
