import type { Config } from './config.ts'
import type { BlockStore } from './domain/address-block.ts'
import type { AuditStore } from './domain/audit.ts'
import type { Store } from './domain/store.ts'
import { TOKEN_WINDOW } from './limit/spans.ts'
import type { Recorder } from './recorder.ts'
import type { Log } from './telemetry/log.ts'

const DAY_MS = 86_400_000
const INTERVAL_MS = 3_600_000

interface Retained {
  readonly store: Pick<Store, 'prune'>
  /** Undefined where there is no database. */
  readonly blocks: Pick<BlockStore, 'prune'> | undefined
  /** Likewise. */
  readonly audit: Pick<AuditStore, 'prune'> | undefined
  readonly recorder: Pick<Recorder, 'prune'>
}

/** Deletes what is older than its retention, now and every hour. */
export function startRetention(
  config: Pick<Config, 'LOG_RETENTION_DAYS' | 'AUDIT_RETENTION_DAYS'>,
  { store, blocks, audit, recorder }: Retained,
  clock: () => number,
  log: Log,
): { stop(): void } {
  const run = async (): Promise<void> => {
    const now = clock() // a replica whose own is ahead would delete what still counts
    const deleted = await store.prune(
      now - config.LOG_RETENTION_DAYS * DAY_MS,
      now - TOKEN_WINDOW.lengthMs - 2 * TOKEN_WINDOW.bucketMs,
      now,
    )
    if (deleted > 0) log.info({ deleted }, 'entries past their retention were deleted')
    await recorder.prune(now)
    await blocks?.prune()
    const lines = (await audit?.prune(now - config.AUDIT_RETENTION_DAYS * DAY_MS)) ?? 0
    if (lines > 0) log.info({ deleted: lines }, 'lines of the audit log past their retention were deleted')
  }
  const tick = (): void => void run().catch((error: unknown) => log.error({ err: error }, 'retention failed'))
  const timer = setInterval(tick, INTERVAL_MS).unref()
  tick()
  return { stop: () => clearInterval(timer) }
}
