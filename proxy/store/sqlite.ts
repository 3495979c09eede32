import { Sequelize, Transaction } from 'sequelize'
import sqlite3 from 'sqlite3'
import type { Database } from './database.ts'
import { createTurns } from './turns.ts'

const BUSY_TIMEOUT_MS = 5000

/**
 * Sequelize opens a connection per SQLite transaction; each has to wait for another process's lock. Those that are being
 * closed are in `closing`, since Sequelize waits for none of them: of two that end at once each takes the other for one
 * that stays, and the write-ahead log is left beside a file that is not whole without it.
 */
function connectionsOf(closing: Set<Promise<void>>) {
  return class PatientConnection extends sqlite3.Database {
    constructor(...options: ConstructorParameters<typeof sqlite3.Database>) {
      super(...options)
      this.configure('busyTimeout', BUSY_TIMEOUT_MS)
    }

    override close(tell?: (error: Error | null) => void): void {
      const closed = new Promise<void>((resolve) => {
        super.close((error) => {
          resolve()
          if (tell) tell(error)
          else if (error) this.emit('error', error)
        })
      })
      closing.add(closed)
      void closed.then(() => closing.delete(closed))
    }
  }
}

export async function openSqlite(path: string): Promise<Database> {
  const closing = new Set<Promise<void>>()
  const sequelize = new Sequelize({
    dialect: 'sqlite',
    storage: path,
    logging: false,
    retry: { max: 1 }, // the busy time-out has waited long enough; who calls knows when to try again
    dialectModule: { ...sqlite3, Database: connectionsOf(closing) },
  })
  // Opens it: what cannot be opened is told now. `synchronous` stays FULL: the spool forgets what was committed, so a
  // power cut must not take a commit back. WAL is for `migrate`, once the file is known to be ours.
  await sequelize.query('PRAGMA schema_version')
  // One at a time within the process: who waits for SQLite's lock holds a thread of the pool, and the one who has the
  // lock needs a thread for its next statement.
  const alone = createTurns()
  return {
    engine: 'sqlite',
    sequelize,
    schema: undefined,
    hasSessions: false,
    write: (work) => alone(() => sequelize.transaction({ type: Transaction.TYPES.IMMEDIATE }, work)),
    close: () =>
      alone(async () => {
        await Promise.all(closing)
        await sequelize.close()
      }),
  }
}
