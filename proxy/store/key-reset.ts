import type { Transaction } from 'sequelize'
import { type Database, run, tableOf } from './database.ts'

/**
 * Gives back what a key or a tenant has used. The row of a key is held by the transaction: nobody writes entries of it
 * meanwhile; of a tenant they may be written, and count if they make a bucket of their own. The windows
 * stay what the entries say; what was taken back of them stands beside them, and the view `limit_usage` has the difference.
 */
export async function resetUsage(database: Database, transaction: Transaction, subject: string): Promise<void> {
  const buckets = tableOf(database, 'limit_buckets')
  const take = `
    INSERT INTO ${buckets} (subject, unit, start, amount)
    SELECT key_id, 'tokens', minute, -tokens FROM ${tableOf(database, 'usage_windows')} WHERE key_id = $1
    ON CONFLICT (subject, unit, start) DO UPDATE SET amount = excluded.amount`
  await run(database, take, [subject], transaction)
  const others = `subject = $1 AND unit <> 'tokens'`
  if (database.engine === 'postgres') {
    // In the order in which replicas add to them, so that who waits for whom is never a circle.
    const hold = `SELECT FROM ${buckets} WHERE ${others} ORDER BY unit, start FOR UPDATE`
    await run(database, hold, [subject], transaction)
  }
  await run(database, `DELETE FROM ${buckets} WHERE ${others}`, [subject], transaction)
}
