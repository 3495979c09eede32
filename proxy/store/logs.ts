import type { Entry } from '../domain/entry.ts'
import { entryColumns, entryFromRow, type EntryRow, entryToRow } from '../domain/entry-row.ts'
import { type LoggedEntry, type LogStore, REPORTED } from '../domain/log.ts'
import { ulid } from '../domain/ulid.ts'
import { told } from './config-change.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { type Condition, conditionsOf, isOfTenant, where } from './log-conditions.ts'
import { oldestRetainedId, tellRemoved } from './retention.ts'

const CHUNK_ROWS = 5000
const CHUNK_BODIES = 500
/** Of a ULID. */
const TIME_CHARS = 10
const MAX_COUNTED = 10_000
/** Of a look at what has just ended. */
const MAX_ENDED = 1000

type Row = Readonly<Record<(typeof entryColumns)[number], EntryRow[number]>> & { readonly has_recording: number }

/** The entries of the ledger, for people. Who may read them is decided elsewhere. */
export function createLogStore(database: Database): LogStore {
  const table = tableOf(database, 'request_logs')
  const truth = (name: string): string => (name === 'stream' ? 'CASE WHEN stream THEN 1 ELSE 0 END AS stream' : name)
  const bodies = tableOf(database, 'request_bodies')
  const isRecorded = `EXISTS (SELECT 1 FROM ${bodies} WHERE ${bodies}.id = ${table}.id)`
  const selected = `SELECT ${entryColumns.map(truth).join(', ')},
    CASE WHEN ${isRecorded} THEN 1 ELSE 0 END AS has_recording FROM ${table}`

  const read = async (conditions: readonly Condition[], order: string): Promise<readonly LoggedEntry[]> => {
    const { clause, bind } = where(conditions)
    return (await told('read the logs', select<Row>(database, `${selected} ${clause} ${order}`, bind))).map(entryOf)
  }

  /** The id of the last entry that is looked at where each has to be; undefined where that is all of them. */
  const edgeOf = async ({ walked, rest, reach }: ReturnType<typeof conditionsOf>): Promise<string | undefined> => {
    if (rest.length === 0) return undefined
    const { clause, bind } = where(walked)
    const sql = `SELECT id FROM ${table} ${clause} ORDER BY id DESC LIMIT 2 OFFSET ${reach - 1}`
    const [last, behind] = await told('read the logs', select<{ id: string }>(database, sql, bind))
    return behind && last?.id
  }
  const within = (
    { walked, rest }: ReturnType<typeof conditionsOf>,
    edge: string | undefined,
  ): readonly Condition[] => {
    const isLookedAt: Condition[] = edge === undefined ? [] : [{ text: (place) => `id >= ${place}`, value: edge }]
    return [...walked, ...isLookedAt, ...rest]
  }

  return {
    async list(filter, { before, offset = 0, limit }) {
      const conditions = conditionsOf(database, filter, before)
      const edge = await edgeOf(conditions)
      const found = await read(within(conditions, edge), `ORDER BY id DESC LIMIT ${limit + 1} OFFSET ${offset}`)
      const entries = found.slice(0, limit)
      return { entries, next: (found.length > limit ? entries.at(-1)?.id : edge) ?? null }
    },

    async count(filter) {
      const conditions = conditionsOf(database, filter)
      const edge = await edgeOf(conditions)
      const { clause, bind } = where(within(conditions, edge))
      const some = `SELECT 1 FROM ${table} ${clause} LIMIT ${MAX_COUNTED + 1}`
      const sql = `SELECT count(*) AS total FROM (${some}) AS counted`
      const [counted] = await told('count the logs', select<{ total: number }>(database, sql, bind))
      const total = counted?.total ?? 0
      return { total: Math.min(total, MAX_COUNTED), isExact: edge === undefined && total <= MAX_COUNTED }
    },

    async find(id, { tenantId }) {
      const [entry] = await read(
        [{ text: (place) => `id = ${place}`, value: id }, ...isOfTenant(database, tenantId)],
        '',
      )
      return entry
    },

    async endedSince(instant) {
      const ended = { text: (place: string) => `${ENDED} >= ${place}`, value: instant }
      return (await read([ended], `ORDER BY ${ENDED} DESC LIMIT ${MAX_ENDED}`)).toReversed()
    },

    report: (entry) => told('write what was reported', report(database, table, entry)),

    async remove(before) {
      const oldest = oldestRetainedId(before)
      await told('remove logs', tellRemoved(database, oldest))
      const removeFrom = async (logged: string, chunkRows: number): Promise<number> => {
        const chunk = `SELECT id FROM ${logged} WHERE id < $1 ORDER BY id LIMIT ${chunkRows}`
        const removing = `DELETE FROM ${logged} WHERE id IN (${chunk}) RETURNING id`
        for (let removed = 0; ;) {
          const gone = await told('remove logs', select(database, removing, [oldest]))
          removed += gone.length
          if (gone.length < chunkRows) return removed
        }
      }
      await removeFrom(bodies, CHUNK_BODIES) // without their entries nobody would find them
      return removeFrom(table, CHUNK_ROWS)
    },
  }
}

/** When a call ended, in the words of the index. */
const ENDED = '(admitted_at + duration_ms)'

function entryOf(row: Row): LoggedEntry {
  return { ...entryFromRow(entryColumns.map((name) => row[name])), hasRecording: row.has_recording === 1 }
}

async function report(database: Database, table: string, entry: Omit<Entry, 'id'>): ReturnType<LogStore['report']> {
  const id = oldestRetainedId(entry.admittedAt) + ulid().slice(TIME_CHARS)
  const row = entryToRow({ ...entry, id }).map((cell, at) => (entryColumns[at] === 'stream' ? cell === 1 : cell))
  const places = row.map((_, at) => `$${at + 1}`)
  const insert = `INSERT INTO ${table} (${entryColumns.join(', ')}) VALUES (${places.join(', ')})
    ON CONFLICT (request_id) WHERE channel_id = '${REPORTED}' DO NOTHING`
  await run(database, insert, row)
  const there = `SELECT id FROM ${table} WHERE request_id = $1 AND channel_id = '${REPORTED}'`
  const [found] = await select<{ id: string }>(database, there, [entry.requestId])
  return { id: found?.id ?? id, created: found?.id === id }
}
