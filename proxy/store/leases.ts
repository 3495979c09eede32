import type { Bank, LeaseAsk, LeaseGrant, LeaseGrants, Unit } from '../domain/lease.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'
import type { Turns } from './turns.ts'

/** After so long without a word a replica's leases are nobody's. */
const LEASE_MS = 5000
/** And after so long nobody looks for them any more. */
const FORGOTTEN_MS = 3_600_000

/** In which buckets each unit is counted. */
const sources: Readonly<Record<Unit, string>> = {
  tokens: 'tokens',
  requests: 'requests',
  usd_5h: 'usd_minute',
  usd_day: 'usd_hour',
  usd_month: 'usd_hour',
  quota_requests: 'quota_requests',
  quota_credit: 'quota_credit',
}

interface Row {
  /** Null where nothing was asked: a row of the clock alone. */
  readonly subject: string | null
  readonly unit: Unit
  readonly granted: number
  readonly used: number
  readonly others: number
  readonly ends_at: number | null
  readonly now_ms: number
  readonly replica_count: number
}

/** The limits that replicas share in PostgreSQL. `alone` keeps entries of ours from being written meanwhile. */
export function createBank(database: Database, replica: string, alone: Turns): Bank {
  const borrow = `SELECT * FROM ${tableOf(database, 'borrow_leases')}($1, $2::jsonb, ${LEASE_MS})`
  return {
    borrow: (asks) =>
      alone(async () => {
        const rows = await select<Row>(database, borrow, [replica, JSON.stringify(asks().map(argumentOf))]).catch(
          (error: unknown) => Promise.reject(storeError('borrow leases', error)),
        )
        return grantsOf(rows)
      }),
    async leave() {
      const forgotten = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint - ${FORGOTTEN_MS}`
      // And what those held who were killed: nobody else removes it.
      for (const [table, column, seen] of [
        ['limit_leases', 'replica_id', 'expires_at'],
        ['replicas', 'id', 'seen_at'],
      ] as const) {
        const returned = `DELETE FROM ${tableOf(database, table)} WHERE ${column} = $1 OR ${seen} < ${forgotten}`
        await run(database, returned, [replica]).catch((error: unknown) =>
          Promise.reject(storeError('return leases', error)),
        )
      }
    },
  }
}

/** How many have said that they are there, and not yet that they leave. Throws `StoreError`. */
export async function countReplicas(database: Database): Promise<number> {
  const recent = `seen_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - ${FORGOTTEN_MS}`
  const count = `SELECT count(*)::int AS count FROM ${tableOf(database, 'replicas')} WHERE ${recent}`
  const [row] = await select<{ count: number }>(database, count).catch((error: unknown) =>
    Promise.reject(storeError('count the replicas', error)),
  )
  return row?.count ?? 0
}

function argumentOf({ subject, unit, span, limit, base, wanted, spare, used }: LeaseAsk): object {
  const span_ms = span.bucketMs + span.lengthMs
  return {
    subject,
    unit,
    source: sources[unit],
    span_ms,
    period: span.period ?? null,
    limit,
    base,
    wanted,
    spare,
    used,
  }
}

function grantsOf(rows: readonly Row[]): LeaseGrants {
  return {
    grants: rows.flatMap(({ subject, unit, granted, used, others, ends_at: endsAt }): LeaseGrant[] =>
      subject === null ? [] : [{ subject, unit, granted, used, others, endsAt }],
    ),
    now: rows[0]?.now_ms ?? 0,
    replicas: rows[0]?.replica_count ?? 0,
  }
}
