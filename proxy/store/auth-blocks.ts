import { type BlockLevel, type BlockStore, FORGIVEN_AFTER_MS, type SharedBlock } from '../domain/address-block.ts'
import { type Database, run, select, selectPrepared, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'

/** Of the addresses that are blocked without our doing, no more are read: each replica finds out by itself, too. */
const MAX_READ = 1000

/** Milliseconds of the database: the one clock that all replicas share. */
const clocks = {
  postgres: '(extract(epoch FROM clock_timestamp()) * 1000)::bigint',
  sqlite: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
} as const

type Exchange = (batch: string, levels: string) => Promise<readonly SharedBlock[]>

/** Failures by address, for all replicas. */
export function createBlockStore(database: Database): BlockStore {
  const table = tableOf(database, 'auth_blocks')
  const exchange = (database.engine === 'postgres' ? exchangeOnPostgres : exchangeOnSqlite)(database, table)
  return {
    async exchange(untold, levels) {
      const cells = untold.map(({ address, failures, agoMs }) => [address, failures, Math.round(agoMs)])
      try {
        return await exchange(JSON.stringify(cells), JSON.stringify(levels.map(cellOf)))
      } catch (error) {
        throw storeError('exchange blocked addresses', error)
      }
    },
    async prune() {
      try {
        await run(database, prunedFrom(database, table))
      } catch (error) {
        throw storeError('prune blocked addresses', error)
      }
    },
  }
}

/** One statement, one text whatever there is to tell. */
function exchangeOnPostgres(database: Database, table: string): Exchange {
  const text = `
    WITH clock AS MATERIALIZED (SELECT ${clocks.postgres} AS now), incoming AS MATERIALIZED (
      SELECT cell ->> 0 AS address, (cell ->> 1)::int AS failures, now - (cell ->> 2)::bigint AS failed_at
      FROM jsonb_array_elements($1::jsonb) AS batch(cell), clock
    ), written AS (${adding(table, 'greatest', postgresBlockMsOf)}
      RETURNING address, failures, failed_at, blocked_until
    )${knownFrom(table, 'SELECT * FROM written')}`
  return (batch, levels) =>
    database.hasSessions
      ? selectPrepared<SharedBlock>(database, 'exchange-blocks', text, [batch, levels])
      : select<SharedBlock>(database, text, [batch, levels])
}

/** SQLite cannot write within a SELECT; nobody but this process does in between. */
function exchangeOnSqlite(database: Database, table: string): Exchange {
  const incoming = `
    WITH clock AS (SELECT ${clocks.sqlite} AS now), incoming AS (
      SELECT value ->> 0 AS address, value ->> 1 AS failures, now - (value ->> 2) AS failed_at
      FROM json_each($1), clock
    )`
  const add = `${incoming} ${adding(table, 'max', sqliteBlockMsOf)}`
  const read = incoming + knownFrom(table, `SELECT * FROM ${table} WHERE address IN (SELECT address FROM incoming)`)
  return async (batch, levels) => {
    if (batch !== '[]') await run(database, add, [batch, levels])
    return select<SharedBlock>(database, read, [batch])
  }
}

/** By what the failures of all replicas add up to. In the order of the addresses: so replicas never wait in a circle. */
function adding(table: string, greatest: 'greatest' | 'max', blockMsOf: (failures: string) => string): string {
  const isForgiven = `block.failed_at < excluded.failed_at - ${FORGIVEN_AFTER_MS}`
  const sum = `(CASE WHEN ${isForgiven} THEN excluded.failures ELSE block.failures + excluded.failures END)`
  return `
    INSERT INTO ${table} AS block (address, failures, failed_at, blocked_until)
    SELECT address, failures, failed_at, failed_at + ${blockMsOf('failures')} FROM incoming WHERE true ORDER BY address
    ON CONFLICT (address) DO UPDATE SET
      failures = ${sum},
      failed_at = ${greatest}(block.failed_at, excluded.failed_at),
      blocked_until = ${greatest}(block.blocked_until, excluded.failed_at + ${blockMsOf(sum)})`
}

function cellOf({ failures, blockMs }: BlockLevel): readonly [failures: number, blockMs: number] {
  return [failures, blockMs]
}

function postgresBlockMsOf(failures: string): string {
  return `coalesce((SELECT max((level ->> 1)::bigint) FROM jsonb_array_elements($2::jsonb) AS levels(level)
    WHERE (level ->> 0)::int <= ${failures}), 0)`
}

function sqliteBlockMsOf(failures: string): string {
  return `coalesce((SELECT max(level.value ->> 1) FROM json_each($2) AS level WHERE level.value ->> 0 <= ${failures}), 0)`
}

/** What the store knows of the incoming addresses, and which others are blocked. */
function knownFrom(table: string, incoming: string): string {
  return `, others AS (
      SELECT address, failures, failed_at, blocked_until FROM ${table}
      WHERE blocked_until > (SELECT now FROM clock) AND address NOT IN (SELECT address FROM incoming)
      ORDER BY failed_at DESC LIMIT ${MAX_READ}
    )
    SELECT address, failures, now - failed_at AS "failedAgoMs", blocked_until - now AS "blockedForMs"
    FROM (${incoming} UNION ALL SELECT * FROM others) AS known, clock ORDER BY failed_at DESC`
}

/** A row in use is left to the next time: to wait for its user while that one waits for another row could be for ever. */
function prunedFrom({ engine }: Database, table: string): string {
  const isOld = `failed_at < ${clocks[engine]} - ${FORGIVEN_AFTER_MS} AND blocked_until < ${clocks[engine]}`
  if (engine === 'sqlite') return `DELETE FROM ${table} WHERE ${isOld}`
  return `DELETE FROM ${table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM ${table} WHERE ${isOld} FOR UPDATE SKIP LOCKED))`
}
