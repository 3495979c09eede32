import type { DatabasePing } from '../domain/database-ping.ts'
import type { LedgerStatus } from '../domain/ledger-status.ts'

const DEGRADED_MS = 1000
const UNHEALTHY_MS = 2000

/** `/health` in system A's shape. It says 503 when calls are refused, which no state of the database causes alone. */
export function healthBody(
  ping: DatabasePing,
  { spooled, oldestSeconds, lastCommitMs, damagedRecords, isDegraded, isRefusing }: LedgerStatus,
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
  return {
    canServe: !isRefusing,
    body: {
      status: database.status === 'healthy' && !isDegraded && !isRefusing && damagedRecords === 0 ? 'ok' : 'degraded',
      timestamp: new Date(now).toISOString(),
      storage: { type: 'database', inFallbackMode: false },
      database,
      ledger: { spooled, oldestSeconds, lastCommitMs, damagedRecords },
    },
  }
}
