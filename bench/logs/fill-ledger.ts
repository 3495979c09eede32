import { type EntryRow, entryToRow } from '../../proxy/domain/entry-row.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { type Database, run, tableOf } from '../../proxy/store/database.ts'
import { measures, replacedColumns, sumsOf } from '../../proxy/store/entries-sql.ts'
import { prune } from '../../proxy/store/retention.ts'
import { createTenantStore } from '../../proxy/store/tenants.ts'
import type { GatewayHome } from '../gateway.ts'
import { makeKeys } from '../make-keys.ts'
import { openInserter } from './insert-entries.ts'
import { DAY_MS, ledgerEntries } from './ledger-entries.ts'

/** Whose calls the ledger has. */
export type Population = {
  readonly keyIds: readonly string[]
  /** The first has the busiest key, the last only the least busy one. */
  readonly tenantIds: readonly string[]
}

const KEYS = 10_000
const TENANTS = 50
const BATCH = 100_000

export async function makePopulation(database: Database): Promise<Population> {
  const tenants = createTenantStore(database)
  const tenantIds = Array.from({ length: TENANTS }, () => ulid())
  for (const [nth, id] of tenantIds.entries()) await tenants.create(id, { name: `tenant-${nth}` }, Date.now())
  const tenantOf = (nth: number) => tenantIds[nth === KEYS - 1 ? TENANTS - 1 : nth % (TENANTS - 1)] ?? null
  const keys = await makeKeys(database, KEYS, (nth) => ({ tenantId: tenantOf(nth) }))
  return { keyIds: keys.map(({ id }) => id), tenantIds }
}

type Filling = {
  readonly home: GatewayHome['database']
  readonly database: Database
  readonly keyIds: readonly string[]
  readonly count: number
  readonly now: number
  readonly say: (line: string) => void
}

/** The entries, then the sums over them as the ledger would have kept them, then as retention leaves those. */
export async function fillLedger({ home, database, keyIds, count, now, say }: Filling): Promise<void> {
  const inserter = await openInserter(home)
  let rows: EntryRow[] = []
  let written = 0
  const write = async (): Promise<void> => {
    await inserter.insert(rows)
    written += rows.length
    rows = []
    say(`${written.toLocaleString('en')} entries`)
  }
  for (const entry of ledgerEntries(count, keyIds, now)) {
    if (rows.push(entryToRow(entry)) === BATCH) await write()
  }
  if (rows.length > 0) await write()
  await inserter.close()
  await addStatistics(database)
  await prune(database, now - 90 * DAY_MS, now - DAY_MS, now)
  // A server of some age has done so by itself.
  if (database.engine === 'postgres') await run(database, 'VACUUM ANALYZE')
}

async function addStatistics(database: Database): Promise<void> {
  const replaced = database.engine === 'postgres' ? 'NULL::jsonb' : 'NULL'
  const insert = `
    INSERT INTO ${tableOf(database, 'usage_stats')} (resolution, start, key_id, model, channel, ${measures.join(', ')})
    WITH written AS (
      SELECT key_id, tenant_id, admitted_at, model, channel, status, http_status, quota, attempts, ${replaced} AS replaced,
        ${replacedColumns.slice(1).join(', ')}
      FROM ${tableOf(database, 'request_logs')}
    )
    SELECT 'minute', minute, key_id, model, channel, ${measures.map((name) => `sum(${name})`).join(', ')}
    FROM (${sumsOf('written', database.engine)}) AS sums GROUP BY 2, 3, 4, 5`
  await run(database, insert)
}
