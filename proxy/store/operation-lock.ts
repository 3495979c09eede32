import type { Transaction } from 'sequelize'
import { type Database, run, select } from './database.ts'

/** Who has the lock: `tollgate schema up on pod-3 (process 4711)`. */
export type OnWait = (holder: string) => void

/**
 * Runs `work` while no other process migrates, backs up or restores the same schema, and tells for whom it waits.
 * The lock lives in a transaction of a direct connection, so it ends with its holder, however that ends. SQLite has one
 * writer at a time by itself.
 */
export function withOperationLock<T>(database: Database, onWait: OnWait, work: () => Promise<T>): Promise<T> {
  if (database.engine === 'sqlite') return work()
  return database.write(async (transaction) => {
    await liftTimeLimits(database, transaction)
    const key = ['tollgate:operation', database.schema ?? '']
    const [attempt] = await select<{ held: boolean }>(
      database,
      'SELECT pg_try_advisory_xact_lock(hashtext($1), hashtext($2)) AS held',
      key,
      transaction,
    )
    if (!attempt?.held) {
      const [holder] = await select<{ name: string; pid: number }>(
        database,
        `SELECT a.application_name AS name, a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.classid::bigint = hashtext($1)::bigint & 4294967295 AND l.objid::bigint = hashtext($2)::bigint & 4294967295`,
        key,
        transaction,
      )
      onWait(holder ? `${holder.name} (process ${holder.pid} of the server)` : 'another process')
      await run(database, 'SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))', key, transaction)
    }
    return work()
  })
}

/**
 * Limits that the role or the database sets are for calls. A migration, and the wait for one, take as long as they take,
 * and the lock's own transaction is idle meanwhile.
 */
export async function liftTimeLimits(database: Database, transaction: Transaction): Promise<void> {
  const limits = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
  const lifted = limits.map((limit) => `set_config('${limit}', '0', true)`)
  await run(database, `SELECT ${lifted.join(', ')}`, [], transaction)
}
