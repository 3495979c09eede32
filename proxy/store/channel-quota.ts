import { changeBesideKeys, told } from './config-change.ts'
import { type Bind, type Database, run, select, tableOf } from './database.ts'

/** A period of a channel's quota that did not begin by the calendar: by a call, or by hand. */
export interface QuotaPeriodRow {
  readonly channelId: string
  readonly since: number
  /** As it was meant when it began; null is never. Where it is not after `since`, the next call begins a period. */
  readonly endsAt: number | null
}

/** Where the quotas of channels stand. Every method throws `StoreError`. */
export interface QuotaStore {
  list(): Promise<readonly QuotaPeriodRow[]>
  /**
   * Begins a period, unless another replica has begun one since this one saw the period that began at `replaces` (null:
   * saw none). Answers the period that is in force.
   */
  begin(period: QuotaPeriodRow, replaces: number | null): Promise<QuotaPeriodRow>
  /** Begins a period whatever there was, and lifts a suspension of the channel. */
  reset(period: QuotaPeriodRow): Promise<void>
  /** What entries have brought to these subjects of `limit_buckets`, by subject and unit. */
  used(subjects: readonly string[]): Promise<ReadonlyMap<string, number>>
}

export function createQuotaStore(database: Database): QuotaStore {
  const table = tableOf(database, 'channel_quota')
  const columns = 'channel_id AS "channelId", since, ends_at AS "endsAt"'
  const bindOf = ({ channelId, since, endsAt }: QuotaPeriodRow): Bind => [channelId, since, endsAt]
  return {
    list: () => told('read the quotas', select<QuotaPeriodRow>(database, `SELECT ${columns} FROM ${table}`)),

    begin(period, replaces) {
      const upsert = `INSERT INTO ${table} AS known (channel_id, since, ends_at) VALUES ($1, $2, $3)
        ON CONFLICT (channel_id) DO UPDATE SET since = excluded.since, ends_at = excluded.ends_at
        WHERE known.since = $4`
      const find = `SELECT ${columns} FROM ${table} WHERE channel_id = $1`
      const work = async (): Promise<QuotaPeriodRow> => {
        await run(database, upsert, [...bindOf(period), replaces])
        const [known] = await select<QuotaPeriodRow>(database, find, [period.channelId])
        return known ?? period // its channel is being removed
      }
      return told('begin the period of a quota', work())
    },

    reset: (period) =>
      changeBesideKeys(database, 'reset a quota', undefined, async (transaction) => {
        // Later than the one before it in any case: what has been used is that one's.
        const upsert = `INSERT INTO ${table} AS known (channel_id, since, ends_at) VALUES ($1, $2, $3)
          ON CONFLICT (channel_id) DO UPDATE SET ends_at = excluded.ends_at,
            since = CASE WHEN known.since < excluded.since THEN excluded.since ELSE known.since + 1 END`
        await run(database, upsert, bindOf(period), transaction)
        const lifted = `DELETE FROM ${tableOf(database, 'channel_suspensions')} WHERE channel_id = $1`
        await run(database, lifted, [period.channelId], transaction)
      }),

    async used(subjects) {
      if (subjects.length === 0) return new Map()
      const places = subjects.map((_, at) => `$${at + 1}`).join(', ')
      const sums = `SELECT subject, unit, CAST(sum(amount) AS BIGINT) AS amount
        FROM ${tableOf(database, 'limit_buckets')} WHERE subject IN (${places}) GROUP BY subject, unit`
      const rows = await told(
        'read what is used of quotas',
        select<{ subject: string; unit: string; amount: number }>(database, sums, subjects),
      )
      return new Map(rows.map(({ subject, unit, amount }) => [`${subject} ${unit}`, amount]))
    },
  }
}
