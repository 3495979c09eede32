import type { Client } from 'pg'
import type { Listening } from '../domain/store.ts'
import { connectionOf, loadPg, type PostgresSettings } from './postgres.ts'
import { CHANGE_CHANNEL, revisionQuery } from './revision.ts'

/** A connection that listens for changes, and on which the revision can be asked: an answer shows that it still stands. */
export interface Listener extends Listening {
  revision(): Promise<string>
}

/** Told apart from the pool in `pg_stat_activity`. */
const LISTENS = ' (listens)'
const RECONNECT_MS = 1000
/** With the second between two looks: a connection whose packets vanish is noticed within three. */
const ANSWER_TIMEOUT_MS = 1500

/** Listens on a direct connection, since a transaction pooler has no sessions; connects again whenever it breaks. */
export function startListener(settings: PostgresSettings, onHint: () => void): Listener {
  const connection = connectionOf(settings)
  let client: Client | undefined
  let latest: Client | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  const connect = async (): Promise<void> => {
    const pg = await loadPg()
    if (isStopped) return
    const application_name = `${settings.applicationName}${LISTENS}`
    const next = new pg.Client({ ...connection, application_name, query_timeout: ANSWER_TIMEOUT_MS })
    latest = next
    next.on('error', () => {}) // 'end' comes as well
    next.once('end', () => again(next))
    next.on('notification', ({ payload }) => {
      if (payload === settings.schema) onHint()
    })
    try {
      await next.connect()
      await next.query(`LISTEN ${CHANGE_CHANNEL}`)
    } catch {
      cut(next)
      again(next)
      return
    }
    if (isStopped) return
    client = next
    onHint() // whatever came while nobody listened
  }
  const again = (ended: Client): void => {
    if (client === ended) client = undefined
    clearTimeout(timer)
    if (!isStopped) timer = setTimeout(() => void connect(), RECONNECT_MS).unref()
  }
  void connect()
  return {
    isStanding: () => client !== undefined,
    async revision() {
      const asked = client
      if (asked === undefined) throw new Error('nothing listens')
      try {
        const { rows } = await asked.query<{ value: string }>(revisionQuery(settings))
        return rows[0]?.value ?? ''
      } catch (error) {
        cut(asked)
        again(asked)
        throw error
      }
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
      if (latest) cut(latest)
      client = undefined
    },
  }
}

/** At once: a polite end would wait for an answer that may never come. */
function cut(client: Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } } // safe: pg's own field
  connection.stream.destroy()
}
