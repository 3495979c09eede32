import type { DatabasePing } from '../domain/database-ping.ts'
import type { LedgerStatus } from '../domain/ledger-status.ts'

/** Where the keys are, and whether calls go on without it at the moment. */
export interface StorageStatus {
  readonly type: 'database' | 'file'
  readonly isAway: boolean
  readonly retryCount: number
  readonly lastRetryAt: number | null
  /** Keys can be checked: in the store, or in memory and a snapshot that are recent enough. */
  readonly canServe: boolean
}

const DEGRADED_MS = 1000
const UNHEALTHY_MS = 2000
const ANSWER_MS = 3000

/**
 * Asks one question at a time, however many look at `/health`, and answers in time for a probe: a database that says
 * nothing would hold a connection for each of them.
 */
export function pingInTime(type: DatabasePing['type'], ping: () => Promise<DatabasePing>): () => Promise<DatabasePing> {
  let asking: Promise<DatabasePing> | undefined
  return async () => {
    const start = performance.now()
    asking ??= ping().finally(() => (asking = undefined))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<DatabasePing>((resolve) => {
      timer = setTimeout(() => {
        const responseTimeMs = Math.round(performance.now() - start)
        resolve({ type, responseTimeMs, error: `no answer within ${ANSWER_MS} ms` })
      }, ANSWER_MS)
    })
    return Promise.race([asking, late]).finally(() => clearTimeout(timer))
  }
}

/** What this program is, for who waits until all replicas are of one version. */
interface Program {
  readonly version: string
  /** The number of the last migration that it knows. */
  readonly schema: number
}

/** `/health` in system A's shape. It says 503 when calls are refused, which no state of the database causes alone. */
export function healthBody(
  program: Program,
  ping: DatabasePing,
  { type, isAway, retryCount, lastRetryAt, ...storage }: StorageStatus,
  { spooled, oldestSeconds, lastCommitMs, damagedRecords, problem, isRefusing }: LedgerStatus,
  now: number,
): { readonly canServe: boolean; readonly body: object } {
  const connected = ping.error === undefined
  const database = {
    type: ping.type,
    connected,
    responseTimeMs: ping.responseTimeMs,
    status:
      !connected || ping.responseTimeMs > UNHEALTHY_MS
        ? 'unhealthy'
        : ping.responseTimeMs > DEGRADED_MS
          ? 'degraded'
          : 'healthy',
    ...(connected ? {} : { error: ping.error }),
  }
  const canServe = storage.canServe && !isRefusing
  const isWell = database.status === 'healthy' && !isAway && problem === null
  return {
    canServe,
    body: {
      status: canServe ? (isWell ? 'ok' : 'degraded') : 'unhealthy',
      timestamp: new Date(now).toISOString(),
      ...program,
      storage: {
        type,
        inFallbackMode: isAway,
        ...(isAway && {
          fallback: { retryCount, lastRetryAt: lastRetryAt === null ? null : new Date(lastRetryAt).toISOString() },
        }),
      },
      database,
      ledger: { spooled, oldestSeconds, lastCommitMs, damagedRecords, ...(problem !== null && { problem }) },
    },
  }
}
