import type { LogFilter } from '../domain/log.ts'
import { type Bind, type Database, tableOf } from './database.ts'
import { oldestRetainedId } from './retention.ts'

/** What has to be true of a row; the place is that of the value. */
export interface Condition {
  readonly text: (place: string) => string
  readonly value?: string | number
}

interface LogConditions {
  /** On the id, and on what an index has beside it: the entries that these leave lie side by side there. */
  readonly walked: readonly Condition[]
  /** On whatever else: for these, entries have to be looked at one by one. */
  readonly rest: readonly Condition[]
  /** How many entries may be looked at: without a bound a search for what is rare could read the whole ledger. */
  readonly reach: number
}

const REACH = 10_000
/** Where the index alone tells, which is many times faster. */
const REACH_IN_INDEX = 100_000
/** Among the entries of a key or a session, which lie apart: each may be a page of its own to read. */
const REACH_APART = 4000

/** Conditions on `request_logs`. */
export function conditionsOf(database: Database, filter: LogFilter, before?: string): LogConditions {
  const { httpStatus } = filter
  // The more telling first, since one index is walked. SQLite takes that of errors only where a query says so literally.
  const isOfErrors = httpStatus !== undefined && httpStatus[0] >= 400
  const errors = isOfErrors ? [{ text: () => 'http_status >= 400' }] : []
  const walks = [equal('session_id', filter.sessionId), equal('key_id', filter.keyId), errors]
  const [walked = [], ...others] = walks.filter((conditions) => conditions.length > 0)
  const rest = [
    ...others.flat(),
    ...(httpStatus === undefined ? [] : [{ text: () => `http_status BETWEEN ${httpStatus.join(' AND ')}` }]),
    ...given(filter.channel, (place) => `(channel = ${place} OR channel_id = ${place})`),
    ...isOfTenant(database, filter.tenantId),
    ...equal('client_id', filter.clientId),
    ...equal('model', filter.model),
    ...equal('endpoint', filter.endpoint),
    ...equal('status', filter.status),
  ]
  const reachOfErrors = rest.length === 1 ? REACH_IN_INDEX : REACH
  const isApart = walked.length > 0 && walked !== errors
  return {
    walked: [...walked, ...withinTimes(filter.from, filter.to), ...given(before, (place) => `id < ${place}`)],
    rest,
    reach: isApart ? REACH_APART : walked === errors ? reachOfErrors : REACH,
  }
}

/** Instants are compared with ids, which sort by time and have an index. */
export function withinTimes(from: number | undefined, to: number | undefined): readonly Condition[] {
  return [
    ...given(from === undefined ? undefined : oldestRetainedId(from), (place) => `id >= ${place}`),
    ...given(to === undefined ? undefined : oldestRetainedId(to), (place) => `id < ${place}`),
  ]
}

export function isOfTenant(database: Database, tenantId: string | undefined): readonly Condition[] {
  const keys = `SELECT id FROM ${tableOf(database, 'api_keys')} WHERE tenant_id`
  return given(tenantId, (place) => `key_id IN (${keys} = ${place})`)
}

export function equal(column: string, value: string | undefined): readonly Condition[] {
  return given(value, (place) => `${column} = ${place}`)
}

function given(value: string | number | undefined, text: Condition['text']): readonly Condition[] {
  return value === undefined ? [] : [{ text, value }]
}

/** A WHERE clause with the values of its places; empty where there are no conditions. */
export function where(conditions: readonly Condition[]): { readonly clause: string; readonly bind: Bind } {
  const bind: Bind[number][] = []
  const texts = conditions.map(({ text, value }) => text(value === undefined ? '' : `$${bind.push(value)}`))
  return { clause: texts.length === 0 ? '' : `WHERE ${texts.join(' AND ')}`, bind }
}
