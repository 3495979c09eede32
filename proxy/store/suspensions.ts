import { storable } from '../domain/storable.ts'
import { changeBesideKeys, told } from './config-change.ts'
import { type Database, run, select, tableOf } from './database.ts'

/** A channel that is left alone for a while, on all replicas. */
export interface Suspension {
  readonly channelId: string
  readonly suspendedAt: number
  readonly until: number
  readonly reason: string
}

/** Which channels are suspended. Instants are milliseconds since the epoch. Every method throws `StoreError`. */
export interface SuspensionStore {
  /** Those that last longer than `now`, by channel. */
  list(now: number): Promise<readonly Suspension[]>
  /**
   * Answers whether anything changed: what lasts as long already stays as it is, so that replicas that meet the same
   * trouble tell of it once. With `mayShorten` it is replaced.
   */
  suspend(channelId: string, until: number, reason: string, now: number, mayShorten?: boolean): Promise<boolean>
  /** Answers whether it was suspended. */
  resume(channelId: string): Promise<boolean>
}

export function createSuspensionStore(database: Database): SuspensionStore {
  const table = tableOf(database, 'channel_suspensions')
  return {
    list: (now) =>
      told(
        'read the suspensions',
        select<Suspension>(
          database,
          `SELECT channel_id AS "channelId", suspended_at AS "suspendedAt", suspended_until AS "until", reason
           FROM ${table} WHERE suspended_until > $1 ORDER BY channel_id`,
          [now],
        ),
      ),

    suspend: (channelId, until, reason, now, mayShorten = false) =>
      changeBesideKeys(database, 'suspend a channel', undefined, async (transaction) => {
        const current = `SELECT suspended_until AS "until" FROM ${table} WHERE channel_id = $1`
        const [suspension] = await select<{ until: number }>(database, current, [channelId], transaction)
        if (suspension && suspension.until >= until && !mayShorten) return false
        const upsert = `INSERT INTO ${table} (channel_id, suspended_at, suspended_until, reason)
          VALUES ($1, $2, $3, $4) ON CONFLICT (channel_id) DO UPDATE SET suspended_at = excluded.suspended_at,
            suspended_until = excluded.suspended_until, reason = excluded.reason`
        await run(database, upsert, [channelId, now, until, storable(reason)], transaction)
        return true
      }),

    resume: (channelId) =>
      changeBesideKeys(database, 'resume a channel', undefined, async (transaction) => {
        const removed = `DELETE FROM ${table} WHERE channel_id = $1 RETURNING channel_id`
        return (await select(database, removed, [channelId], transaction)).length > 0
      }),
  }
}
