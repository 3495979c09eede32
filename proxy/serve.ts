import { createApp } from './app.ts'
import { assemble, type Assembly } from './assemble.ts'
import { ensureAdmin } from './auth/first-admin.ts'
import type { Config } from './config.ts'
import { GatewayError } from './domain/errors.ts'
import { ulid } from './domain/ulid.ts'
import { healthBody } from './http/health.ts'
import { listen } from './http/server.ts'
import { metricsListener } from './http/metrics.ts'
import { statsBody } from './http/stats.ts'
import { TOKEN_WINDOW } from './limit/rolling-window.ts'
import { openStorage, type Storage } from './storage.ts'
import { ping } from './store/database.ts'
import { prune } from './store/retention.ts'
import { watchRevision } from './store/revision.ts'
import type { Log } from './telemetry/log.ts'
import { version } from './version.ts'
import type { Started } from './welcome.ts'

export interface Running extends Started {
  /** Drains, commits and ends: what SIGTERM does. */
  stop(): Promise<void>
}

const DAY_MS = 86_400_000
const RETENTION_INTERVAL_MS = 3_600_000
/** After the grace period: for what was cut to be written down, and for the ledger to commit. */
const LAST_WORDS_MS = 2000

/** Starts the rooms in the order in which they need one another, and ends them in the reverse one. */
export async function serve(config: Config, log: Log, tellAdminKey: (key: string) => void): Promise<Running> {
  const storage = await openStorage(config)
  let isStarted = false
  let isDraining = false
  const rooms = await assemble(config, storage, log, () => isDraining)
  await rooms.ledger.recover() // before the first window is read

  const watch = watchRevision(
    storage.database,
    config.CONFIG_POLL_INTERVAL_MS,
    () => rooms.authenticator.reload(),
    (error) => log.error({ err: error }, 'the database cannot be asked for changes'),
  )
  await watch.check().catch(() => undefined) // it goes on looking, and has told the error
  const retention = startRetention(config, storage, log)
  const servers = await startServers(config, storage, rooms, {
    isReady: () => isStarted && !isDraining,
    isDraining: () => isDraining,
  })
  const running: Running = {
    port: servers.port,
    location: storage.location,
    async stop() {
      isDraining = true
      await pause(config.SHUTDOWN_DELAY_MS)
      const deadline = Date.now() + config.SHUTDOWN_GRACE_MS
      const closed = servers.close(config.SHUTDOWN_GRACE_MS + LAST_WORDS_MS)
      await Promise.race([rooms.gateway.whenIdle(), pause(config.SHUTDOWN_GRACE_MS)])
      await rooms.upstream.destroy(new GatewayError('shutting_down'))
      await Promise.race([rooms.gateway.whenIdle(), pause(LAST_WORDS_MS)])
      await closed
      rooms.heartbeat.stop()
      watch.stop()
      retention.stop()
      // What the database did not take in time goes to standard output, where `ledger replay` can read it back.
      await rooms.ledger.stop(deadline + LAST_WORDS_MS, (entry) => process.stdout.write(`${JSON.stringify(entry)}\n`))
      await storage.database.close()
    },
  }
  // Not before the port is ours: a key that was made by a start that failed would never be seen.
  try {
    await ensureAdmin(storage.keys, config.ADMIN_API_KEY, { id: ulid(), now: Date.now(), tell: tellAdminKey })
  } catch (error) {
    await running.stop()
    throw error
  }
  isStarted = true
  return running
}

interface Phase {
  readonly isReady: () => boolean
  readonly isDraining: () => boolean
}

async function startServers(config: Config, storage: Storage, rooms: Assembly, { isReady, isDraining }: Phase) {
  const { authenticator, limiter, ledger, gateway, metrics, reportError } = rooms
  const pages = {
    version,
    authenticate: authenticator.authenticate,
    stats: (key: Parameters<typeof limiter.window>[0]) => statsBody(key, limiter.window(key), config.DEFAULT_MODEL),
    health: async () => healthBody(await ping(storage.database), ledger.status(), Date.now()),
    isReady,
    isDraining,
    metrics: metrics.render,
  }
  const settings = { host: config.HOST, requestTimeoutMs: config.REQUEST_TIMEOUT_MS, reportError }
  const api = await listen(createApp(gateway, pages, reportError), { ...settings, port: config.PORT })
  const servers = [api]
  if (config.METRICS_PORT !== undefined) {
    servers.push(await listen(metricsListener(metrics.render), { ...settings, port: config.METRICS_PORT }))
  }
  return {
    port: api.port,
    close: (graceMs: number) => Promise.all(servers.map((server) => server.close(graceMs))),
  }
}

function startRetention(config: Config, { database }: Storage, log: Log): { stop(): void } {
  const run = async (): Promise<void> => {
    const now = Date.now()
    const deleted = await prune(
      database,
      now - config.LOG_RETENTION_DAYS * DAY_MS,
      now - TOKEN_WINDOW.lengthMs - 2 * TOKEN_WINDOW.bucketMs,
    )
    if (deleted > 0) log.info({ deleted }, 'entries past their retention were deleted')
  }
  const tick = (): void => void run().catch((error: unknown) => log.error({ err: error }, 'retention failed'))
  const timer = setInterval(tick, RETENTION_INTERVAL_MS).unref()
  tick()
  return { stop: () => clearInterval(timer) }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
