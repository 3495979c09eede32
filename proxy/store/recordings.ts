import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Transaction } from 'sequelize'
import type { Recording, RecordingStore } from '../domain/recording.ts'
import { told } from './config-change.ts'
import { type Bind, type Database, select, tableOf } from './database.ts'
import { insertRows } from './insert-rows.ts'
import { isTurn, oldestRetainedId } from './retention.ts'

const TABLE = 'request_bodies'
/** Rows are large, and nobody is to wait long for a lock. */
const CHUNK_ROWS = 500

const [pack, unpack] = [promisify(gzip), promisify(gunzip)]

/** A row. Both bodies are there, or neither; so are both headers. */
interface Row {
  readonly id: string
  readonly created_at: number
  readonly request_method: string
  readonly request_path: string
  readonly request_headers: string | null
  readonly request_body: Buffer | null
  readonly request_body_bytes: number
  readonly response_status: number | null
  readonly response_headers: string | null
  readonly response_body: Buffer | null
  readonly response_body_bytes: number
}

/** Requests and answers. Who may read them is decided elsewhere. */
export function createRecordingStore(database: Database): RecordingStore {
  const table = tableOf(database, TABLE)

  /** One chunk after another, each in a transaction of its own; answers how many rows there were. */
  const inChunks = async (
    statement: (chunk: string) => string,
    condition: string,
    bind: Bind,
    isAllowed: (transaction: Transaction) => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<number> => {
    const chunk = `SELECT id FROM ${table} WHERE ${condition} ORDER BY id LIMIT ${CHUNK_ROWS}`
    const sql = `${statement(`id IN (${chunk})`)} RETURNING id`
    for (let done = 0; ;) {
      const rows = await database.write(async (transaction) =>
        (await isAllowed(transaction)) ? select(database, sql, bind, transaction) : [],
      )
      done += rows.length
      if (rows.length < CHUNK_ROWS) return done
    }
  }
  const remove = (chunk: string): string => `DELETE FROM ${table} WHERE ${chunk}`
  const removeBodies = (chunk: string): string =>
    `UPDATE ${table} SET request_body = NULL, response_body = NULL WHERE ${chunk}`
  const clearHeaders = (chunk: string): string =>
    `UPDATE ${table} SET request_headers = NULL, response_headers = NULL WHERE ${chunk}`

  return {
    async append(recordings) {
      const rows = await Promise.all(recordings.map(rowOf))
      const writing = database.write((transaction) => insertRows(database, TABLE, rows, transaction))
      await told('keep requests and answers', writing)
    },

    async find(id) {
      const found = select<Row>(database, `SELECT * FROM ${table} WHERE id = $1`, [id])
      const [row] = await told('read a request and its answer', found)
      return row && recordingOf(row)
    },

    async sums() {
      const bytes = 'coalesce(length(request_body), 0) + coalesce(length(response_body), 0)'
      const sums = select<{ count: number; withBodies: number; bytes: number; oldest: number | null }>(
        database,
        `SELECT count(*) AS count, count(request_body) AS "withBodies",
           CAST(coalesce(sum(${bytes}), 0) AS BIGINT) AS bytes, min(created_at) AS oldest FROM ${table}`,
      )
      const [counted] = await told('count requests and answers', sums)
      return counted ?? { count: 0, withBodies: 0, bytes: 0, oldest: null }
    },

    removeAll: () => told('remove requests and answers', inChunks(remove, 'true', [])),

    async removeHeaders() {
      const removed = await told('remove headers', inChunks(remove, 'request_body IS NULL', []))
      const cleared = await told('remove headers', inChunks(clearHeaders, 'request_headers IS NOT NULL', []))
      return { cleared, removed }
    },

    async prune(bodiesBefore, allBefore) {
      const mayDelete = (transaction: Transaction) => isTurn(database, transaction)
      const isOld = 'id < $1'
      const pruning = inChunks(remove, isOld, [oldestRetainedId(allBefore)], mayDelete).then(() =>
        // In the words of the index.
        inChunks(removeBodies, `${isOld} AND request_body IS NOT NULL`, [oldestRetainedId(bodiesBefore)], mayDelete),
      )
      await told('prune requests and answers', pruning)
    },
  }
}

async function rowOf({ id, createdAt, request, response }: Recording) {
  const [requestBody, responseBody] = await Promise.all([packed(request.body), packed(response.body)])
  return {
    id,
    created_at: createdAt,
    request_method: request.method,
    request_path: request.path,
    request_headers: request.headers && JSON.stringify(request.headers),
    request_body: requestBody,
    request_body_bytes: request.bodyBytes,
    response_status: response.status,
    response_headers: response.headers && JSON.stringify(response.headers),
    response_body: responseBody,
    response_body_bytes: response.bodyBytes,
  } satisfies Row
}

async function recordingOf(row: Row): Promise<Recording> {
  const [requestBody, responseBody] = await Promise.all([unpacked(row.request_body), unpacked(row.response_body)])
  return {
    id: row.id,
    createdAt: row.created_at,
    request: {
      method: row.request_method,
      path: row.request_path,
      headers: headersIn(row.request_headers),
      body: requestBody,
      bodyBytes: row.request_body_bytes,
    },
    response: {
      status: row.response_status,
      headers: headersIn(row.response_headers),
      body: responseBody,
      bodyBytes: row.response_body_bytes,
    },
  }
}

function packed(body: Buffer | null): Promise<Buffer | null> {
  return body === null ? Promise.resolve(null) : pack(body)
}

function unpacked(body: Buffer | null): Promise<Buffer | null> {
  return body === null ? Promise.resolve(null) : unpack(body)
}

function headersIn(json: string | null): Recording['request']['headers'] {
  return json === null ? null : (JSON.parse(json) as Record<string, string>) // safe: written above
}
