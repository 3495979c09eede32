import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { Spread } from './quantile.ts'

export type LedgerCheck = { readonly calls: number; readonly rows: number }

/** Counts over the gateway's life, so that a row written twice, or late, is seen at the latest one check after. */
export type LedgerReader = {
  /** Waits until so many more calls are written down, or for long enough. */
  readonly awaitMore: (calls: number) => Promise<void>
  readonly check: () => Promise<LedgerCheck>
  readonly close: () => Promise<void>
}

export type PostgresLedger = LedgerReader & {
  /** How long after its end a call was committed, for calls that were admitted since `since` (ms). */
  readonly commitLagMs: (since: number) => Promise<Spread>
}

type Counts = {
  /** Cheap to ask for again and again: it runs while the load's costs are still being counted. */
  readonly countWritten: () => Promise<number>
  readonly countRows: () => Promise<number>
  readonly close: () => Promise<void>
}

const POLL_MS = 100
const GIVE_UP_AFTER_MS = 10_000

function createLedgerReader({ countWritten, countRows, close }: Counts): LedgerReader {
  let expected = 0
  return {
    async awaitMore(calls) {
      expected += calls
      const deadline = performance.now() + GIVE_UP_AFTER_MS
      while ((await countWritten()) < expected && performance.now() < deadline) await sleep(POLL_MS)
    },
    async check() {
      return { calls: expected, rows: await countRows() }
    },
    close,
  }
}

export function sqliteLedger(databasePath: string): LedgerReader {
  const countRows = async () => countRowsOfSqlite(databasePath)
  return createLedgerReader({ countWritten: countRows, countRows, close: async () => {} })
}

/** Opened for each look: an open reader would keep the gateway's write-ahead log from being checkpointed. */
function countRowsOfSqlite(databasePath: string): number {
  const database = new DatabaseSync(databasePath, { readOnly: true, timeout: 5000 })
  try {
    return Number(database.prepare('SELECT count(*) AS n FROM request_logs').get()?.['n'])
  } finally {
    database.close()
  }
}

/**
 * The commit's time is the server's, taken when it begins to write the commit down; the end of the call is the
 * gateway's. Both are this machine's clock.
 */
const COMMIT_LAG = `
  SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
    ORDER BY extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 * 1000 - (admitted_at + duration_ms)
  ) AS lag
  FROM tollgate.request_logs WHERE admitted_at >= $1`

/** Looks over a connection of its own; for the lag the server needs `track_commit_timestamp`. */
export async function postgresLedger(url: string): Promise<PostgresLedger> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {}) // a bench that is interrupted ends the server first; the next query fails then
  await client.connect()
  const count = async (sql: string) => Number((await client.query<{ n: string }>(sql)).rows[0]?.n)
  const reader = createLedgerReader({
    // PostgreSQL counts rows one by one; the sums of the same statement are a few.
    countWritten: () => count('SELECT coalesce(sum(calls), 0) AS n FROM tollgate.usage_stats'),
    countRows: () => count('SELECT count(*) AS n FROM tollgate.request_logs'),
    close: () => client.end(),
  })
  return {
    ...reader,
    async commitLagMs(since) {
      const { rows } = await client.query<{ lag: number[] | null }>(COMMIT_LAG, [since])
      const [p50 = Number.NaN, p99 = Number.NaN] = rows[0]?.lag ?? []
      return { p50, p99 }
    },
  }
}
