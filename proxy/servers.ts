import { createApp } from './app.ts'
import type { Assembly } from './assemble.ts'
import type { Config } from './config.ts'
import type { KeyRecord } from './domain/key.ts'
import { healthBody, pingInTime } from './http/health.ts'
import { metricsListener } from './http/metrics.ts'
import { listen } from './http/server.ts'
import { statsBody } from './http/stats.ts'
import type { Storage } from './storage.ts'
import type { FallbackStore } from './store/fallback-store.ts'
import { ownSchema } from './store/migrate.ts'
import { version } from './version.ts'

interface Phase {
  readonly isStarted: () => boolean
  readonly isDraining: () => boolean
}

/** Listens, on one port or two. Until the store is ready everything but liveness says 503. */
export async function startServers(
  config: Config,
  storage: Storage,
  store: FallbackStore,
  rooms: Assembly,
  { isStarted, isDraining }: Phase,
) {
  const { authenticator, ledger, gateway, metrics, reportError } = rooms
  const canServe = (): boolean => isStarted() && store.isVerified() && (!store.status().isAway || store.isFresh())
  const storageStatus = () => ({
    ...store.status(),
    type: storage.type === 'file' ? ('file' as const) : ('database' as const),
    canServe: canServe(),
  })
  const ping = pingInTime(storage.type, () => store.ping())
  const pages = {
    version,
    authenticate: authenticator.authenticate,
    clientAddress: rooms.clientAddress,
    stats: async (key: KeyRecord) => statsBody(key, await rooms.window(key), config.DEFAULT_MODEL),
    health: async () =>
      healthBody({ version, schema: ownSchema }, await ping(), storageStatus(), ledger.status(), Date.now()),
    isReady: () => canServe() && !isDraining(),
    isDraining,
    metrics: metrics.render,
  }
  const settings = { host: config.HOST, requestTimeoutMs: config.REQUEST_TIMEOUT_MS, reportError }
  const api = await listen(createApp(gateway, pages, rooms.administration.operations, reportError), {
    ...settings,
    port: config.PORT,
  })
  const servers = [api]
  if (config.METRICS_PORT !== undefined) {
    servers.push(await listen(metricsListener(metrics.render), { ...settings, port: config.METRICS_PORT }))
  }
  return {
    port: api.port,
    close: (graceMs: number) => Promise.all(servers.map((server) => server.close(graceMs))),
  }
}
