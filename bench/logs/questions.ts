import { oldestRetainedId } from '../../proxy/store/retention.ts'
import type { Limit } from '../limit.ts'
import type { Population } from './fill-ledger.ts'
import { channelName, clientName, DAY_MS, idOf, instantOf, modelName, RARE, sessionOf } from './ledger-entries.ts'

/** What a question is about; each is asked many times, about something else each time where that makes a difference. */
export type Ledger = Population & { readonly count: number; readonly now: number; readonly chance: () => number }

type Question = {
  readonly what: string
  readonly path: (ledger: Ledger) => string
  readonly limit: Limit | null
}

const LIST_P99: Limit = { of: 'value', below: 50 }

type Query = Readonly<Record<string, string>>

function list(what: string, query: Query | ((ledger: Ledger) => Query)): Question {
  const asked = typeof query === 'function' ? query : () => query
  return { what, path: (ledger) => pathOf('/api/logs', asked(ledger)), limit: LIST_P99 }
}

/** What statistics take is shown; nothing is promised yet. */
function sums(what: string, path: string, query: (ledger: Ledger) => Query = () => ({})): Question {
  return { what, path: (ledger) => pathOf(path, query(ledger)), limit: null }
}

function pathOf(path: string, query: Query): string {
  const search = new URLSearchParams(query).toString()
  return search === '' ? path : `${path}?${search}`
}

const anywhere = ({ chance, count }: Ledger): number => Math.floor(chance() * count)
const before = (ledger: Ledger): Query => ({
  before: oldestRetainedId(instantOf(anywhere(ledger), ledger.count, ledger.now)) + '0'.repeat(16),
})
const few = ({ chance }: Ledger, of: number): number => Math.floor(of * chance() ** 2)
const first = (ids: readonly string[]): string => ids[0] ?? ''
const last = (ids: readonly string[]): string => ids.at(-1) ?? ''
const iso = (instant: number): string => new Date(instant).toISOString()
const since = (ledger: Ledger, days: number): Query => ({ from: iso(ledger.now - days * DAY_MS) })

/** As a person or a dashboard asks. What is rare is the hard part: whoever looks for it looks at much else. */
export const questions: readonly Question[] = [
  list('first page', {}),
  list('first page of 500', { limit: '500' }),
  list('page by offset 10,000', { offset: '10000' }),
  list('page by before, anywhere', before),
  list('page of 500 by before', (ledger) => ({ ...before(ledger), limit: '500' })),
  list('one channel', (ledger) => ({ channel: channelName(few(ledger, 12)) })),
  list('one channel, page by before', (ledger) => ({ channel: channelName(few(ledger, 12)), ...before(ledger) })),
  list('a rare channel', { channel: RARE.channel }),
  list('a rare channel, page by before', (ledger) => ({ channel: RARE.channel, ...before(ledger) })),
  list('one model', (ledger) => ({ model: modelName(few(ledger, 12)) })),
  list('a rare model', { model: RARE.model }),
  list('the busiest key', ({ keyIds }) => ({ keyId: first(keyIds) })),
  list('any key', (ledger) => ({ keyId: ledger.keyIds[few(ledger, ledger.keyIds.length)] ?? '' })),
  list('any key, page by before', (ledger) => ({ keyId: ledger.keyIds[few(ledger, 100)] ?? '', ...before(ledger) })),
  list('the busiest tenant', ({ tenantIds }) => ({ tenantId: first(tenantIds) })),
  list('any tenant', (ledger) => ({ tenantId: ledger.tenantIds[few(ledger, 49)] ?? '' })),
  list('a rare tenant', ({ tenantIds }) => ({ tenantId: last(tenantIds) })),
  list('a rare tenant, page by before', (ledger) => ({ tenantId: last(ledger.tenantIds), ...before(ledger) })),
  list('one client', (ledger) => ({ clientId: clientName(few(ledger, 500)) })),
  list('a rare client', { clientId: RARE.clientId }),
  list('one session', (ledger) => ({ sessionId: sessionOf(anywhere(ledger)) })),
  list('status failed', { status: 'failed' }),
  list('status client_gone', { status: 'client_gone' }),
  list('status interrupted, of which there is none', { status: 'interrupted' }),
  list('HTTP 429', { httpStatus: '429' }),
  list('HTTP 5xx', { httpStatus: '5xx' }),
  list('HTTP 5xx of one channel', (ledger) => ({ httpStatus: '5xx', channel: channelName(few(ledger, 12)) })),
  list('HTTP 0', { httpStatus: '0' }),
  list('the last hour', (ledger) => since(ledger, 1 / 24)),
  list('any hour', (ledger) => {
    const from = instantOf(anywhere(ledger), ledger.count, ledger.now)
    return { from: iso(from), to: iso(from + 3_600_000) }
  }),
  list('the busiest endpoint', { endpoint: 'messages' }),
  list('a rare endpoint', { endpoint: RARE.endpoint }),
  list('a rare model of the busiest key', ({ keyIds }) => ({ keyId: first(keyIds), model: RARE.model })),
  {
    what: 'one call',
    path: (ledger) => `/api/logs/${idOf(anywhere(ledger), ledger.count, ledger.now)}`,
    limit: LIST_P99,
  },
  sums('statistics, 24 hours', '/api/logs/stats'),
  sums('statistics, 30 days', '/api/logs/stats', (ledger) => since(ledger, 30)),
  sums('statistics of a tenant, 24 hours', '/api/logs/stats', ({ tenantIds }) => ({ tenantId: first(tenantIds) })),
  sums('by day, 30 days', '/api/logs/stats/daily'),
  sums('history, 1 hour', '/api/logs/stats/history', () => ({ duration: '1h' })),
  sums('history, 24 hours', '/api/logs/stats/history'),
  sums('history, 30 days', '/api/logs/stats/history', (ledger) => ({ duration: 'period', ...since(ledger, 30) })),
  sums('active sessions', '/api/logs/sessions/active'),
]
