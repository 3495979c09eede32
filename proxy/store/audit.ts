import type { AuditEntry, AuditFilter, AuditStore } from '../domain/audit.ts'
import { type Bind, type Database, run, select, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'
import { oldestRetainedId } from './retention.ts'

const CHUNK_ROWS = 5000

/** Each field of an entry, and its column. */
const columns: Readonly<Record<keyof AuditEntry, string>> = {
  id: 'id',
  at: 'at',
  actorId: 'actor_id',
  actor: 'actor',
  operation: 'operation',
  target: 'target',
  httpStatus: 'http_status',
  error: 'error',
  requestId: 'request_id',
  before: 'before',
  after: 'after',
}
const quoted = Object.values(columns).map((column) => `"${column}"`)
const selected = Object.entries(columns).map(([field, column]) => `"${column}" AS "${field}"`)

/** The audit log. Who may read it is decided elsewhere. */
export function createAuditStore(database: Database): AuditStore {
  const table = tableOf(database, 'audit_log')
  const told = <T>(operation: string, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => Promise.reject(storeError(operation, error)))

  return {
    async append(entries) {
      if (entries.length === 0) return
      const rows = JSON.stringify(entries)
      await told('write the audit log', run(database, appending(database, table), [rows]))
    },

    list(filter) {
      const { conditions, bind } = narrowing(filter)
      const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
      const sql = `SELECT ${selected.join(', ')} FROM ${table} ${where} ORDER BY id DESC LIMIT ${filter.limit}`
      return told('read the audit log', select<AuditEntry>(database, sql, bind))
    },

    async prune(before) {
      const chunk = `SELECT id FROM ${table} WHERE id < $1 ORDER BY id LIMIT ${CHUNK_ROWS}`
      const removing = `DELETE FROM ${table} WHERE id IN (${chunk}) RETURNING id`
      for (let removed = 0; ;) {
        const gone = await told('prune the audit log', select(database, removing, [oldestRetainedId(before)]))
        removed += gone.length
        if (gone.length < CHUNK_ROWS) return removed
      }
    },
  }
}

/** One statement, one text however many there are. A line that was written already is left as it is. */
function appending({ engine }: Database, table: string): string {
  const cells = Object.keys(columns).map((field) => `value ->> '${field}'`)
  const typed = cells.map((cell) => (/'(?:at|httpStatus)'/.test(cell) ? `CAST(${cell} AS BIGINT)` : cell))
  const rows = engine === 'postgres' ? 'jsonb_array_elements($1::jsonb)' : 'json_each($1)'
  return `INSERT INTO ${table} (${quoted.join(', ')}) SELECT ${typed.join(', ')} FROM ${rows} WHERE true
    ON CONFLICT (id) DO NOTHING`
}

/** Instants are compared with ids, which sort by time and have an index. */
function narrowing({ actor, operation, target, from, to, before }: AuditFilter) {
  const conditions: string[] = []
  const bind: Bind[number][] = []
  const narrow = (condition: (place: string) => string, value: string | undefined): void => {
    if (value === undefined) return
    bind.push(value)
    conditions.push(condition(`$${bind.length}`))
  }
  narrow((place) => `(actor_id = ${place} OR actor = ${place})`, actor)
  narrow((place) => `operation = ${place}`, operation)
  narrow((place) => `target = ${place}`, target)
  narrow((place) => `id >= ${place}`, from === undefined ? undefined : oldestRetainedId(from))
  narrow((place) => `id < ${place}`, to === undefined ? undefined : oldestRetainedId(to))
  narrow((place) => `id < ${place}`, before)
  return { conditions, bind }
}
