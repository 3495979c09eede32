import { join } from 'node:path'
import { type Authenticator, createAuthenticator, type KeySource } from './auth/authenticate.ts'
import type { Guard } from './auth/guard.ts'
import { createClock } from './clock.ts'
import type { Config } from './config.ts'
import { idOfRow } from './domain/entry-row.ts'
import type { GatewayError } from './domain/errors.ts'
import type { KeyRecord } from './domain/key.ts'
import type { Applied } from './domain/store.ts'
import { ulid } from './domain/ulid.ts'
import type { WindowState } from './domain/window.ts'
import { type Bodies, createBodies } from './http/body.ts'
import { clientAddressBehind } from './http/client-address.ts'
import { createGateway, type Gateway } from './http/gateway.ts'
import { type Heartbeat, startHeartbeat } from './http/heartbeat.ts'
import { createKeyGuard } from './key-guard.ts'
import { Ledger } from './ledger/ledger.ts'
import type { Limiter } from './limit/limiter.ts'
import { TOKEN_WINDOW } from './limit/spans.ts'
import { createLimits, type Limits } from './limits.ts'
import { createPipeline } from './pipeline.ts'
import { channelsOf } from './route/channel.ts'
import { choose } from './route/choose.ts'
import type { FallbackStore } from './store/fallback-store.ts'
import { createStatistics } from './statistics.ts'
import type { Storage } from './storage.ts'
import { createPriceBook, type PriceBook } from './store/prices.ts'
import { oldestRetainedId } from './store/retention.ts'
import type { Log } from './telemetry/log.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import { createUpstream, type Upstream } from './upstream/send.ts'

/** The rooms, joined. */
export interface Assembly {
  readonly authenticator: Authenticator
  readonly guard: Guard | undefined
  readonly clientAddress: ReturnType<typeof clientAddressBehind>
  /** The time that all replicas agree on. */
  readonly now: () => number
  readonly limits: Limits
  /** The window of a key as `/stats` tells it. */
  readonly window: (key: KeyRecord) => Promise<WindowState>
  readonly prices: PriceBook | undefined
  readonly ledger: Ledger
  readonly upstream: Upstream
  readonly heartbeat: Heartbeat
  readonly gateway: Gateway
  readonly metrics: Metrics
  readonly reportError: (error: GatewayError, requestId: string) => void
}

const DAY_MS = 86_400_000

export async function assemble(
  config: Config,
  storage: Storage,
  store: FallbackStore,
  log: Log,
  isDraining: () => boolean,
): Promise<Assembly> {
  const boot = ulid()
  const clock = createClock()
  const { now } = clock
  const bank = storage.bankOf?.(boot)
  const limits = createLimits(config, bank, clock, log)
  const { limiter } = limits
  const prices = storage.prices && createPriceBook(storage.prices)
  const guard = createKeyGuard(config, log)
  const clientAddress = clientAddressBehind(config.TRUSTED_PROXIES)
  const authenticator = createAuthenticator(keySource(store, limiter, now), now, guard)
  const bodies = createBodies({ maxBytes: config.MAX_REQUEST_BODY_MB, maxHeldBytes: config.MAX_BUFFERED_MB })
  const ledger = await startLedger(config, store, log, { boot, now, limiter }, (durationMs, entries, applied) => {
    limiter.committed(applied)
    metrics.commit(durationMs, entries)
  })
  const metrics = createMetrics(gauges(() => gateway.inFlight(), bodies, ledger, authenticator, store))
  const upstream = createUpstream({
    connectTimeoutMs: config.CONNECT_TIMEOUT_MS,
    firstByteTimeoutMs: config.FIRST_BYTE_TIMEOUT_MS,
    idleTimeoutMs: config.IDLE_TIMEOUT_MS,
  })
  const heartbeat = startHeartbeat(config.SSE_HEARTBEAT_MS)
  const channels = channelsOf(config)
  const reportError = reportingTo(log, metrics)
  const pipeline = createPipeline({
    authenticate: authenticator.authenticate,
    limiter,
    choose: (call) => choose(channels, call),
    ledger,
    upstream,
    priceOf: (model) => prices?.priceOf(model ?? null),
    now,
    defaultModel: config.DEFAULT_MODEL,
    countsCacheReads: config.WINDOW_COUNTS_CACHE_READS,
    drainMs: config.CLIENT_GONE_DRAIN_MS,
    observe(call, key, { channel }, outcome) {
      metrics.call(call, key, channel, outcome)
      if (log.isLevelEnabled('debug'))
        log.debug({ endpoint: call.endpoint.name, prefix: key.prefix, channel, ...outcome }, 'call')
    },
  })
  const gateway = createGateway({
    pipeline,
    bodies,
    heartbeat,
    reportError,
    passthroughPaths: config.PASSTHROUGH_PATHS,
    maxConcurrentRequests: config.MAX_CONCURRENT_REQUESTS,
    stallTimeoutMs: config.CLIENT_STALL_TIMEOUT_MS,
    corsOrigin: config.CORS_ORIGIN,
    clientAddress,
    isDraining,
  })
  return {
    authenticator,
    guard,
    clientAddress,
    now,
    limits,
    window: createStatistics({
      known: (key) => limiter.usage(key),
      read: bank && ((id, usedSince) => store.usageOf(id, usedSince)),
      now,
    }),
    prices,
    ledger,
    upstream,
    heartbeat,
    gateway,
    metrics,
    reportError,
  }
}

/** Keys with what they have used; each account is opened before its first call. */
function keySource(store: FallbackStore, limiter: Limiter, now: () => number): KeySource {
  return {
    async findByHash(hash) {
      const key = await store.findByHash(hash, now() - TOKEN_WINDOW.lengthMs - TOKEN_WINDOW.bucketMs)
      if (key) limiter.load(key)
      return key
    },
    findByIds: (ids) => store.findByIds(ids),
    isFresh: () => store.isFresh(),
  }
}

function reportingTo(log: Log, metrics: Metrics): Assembly['reportError'] {
  return (error, requestId) => {
    metrics.refusal(error.code)
    const { detail } = error.particulars
    const line = {
      code: error.code,
      requestId,
      ...(detail && { detail }),
      ...(error.cause ? { err: error.cause } : {}),
    }
    if (error.code === 'internal') log.error(line, error.message)
    else log.info(line, error.message)
  }
}

function startLedger(
  config: Config,
  store: FallbackStore,
  log: Log,
  { boot, now, limiter }: { readonly boot: string; readonly now: () => number; readonly limiter: Limiter },
  onCommit: (durationMs: number, entries: number, applied: readonly Applied[]) => void,
): Promise<Ledger> {
  const retained = (rows: readonly string[]): readonly string[] => {
    const oldest = oldestRetainedId(now() - config.LOG_RETENTION_DAYS * DAY_MS)
    return rows.filter((row) => {
      const isYoung = idOfRow(row) >= oldest
      if (!isYoung) log.error({ id: idOfRow(row) }, 'an entry is older than LOG_RETENTION_DAYS and was refused')
      return isYoung
    })
  }
  return Ledger.start(
    {
      spoolDir: config.SPOOL_DIR ?? join(config.DATA_DIR, 'spool'),
      boot,
      fsync: config.SPOOL_FSYNC,
      maxBytes: config.SPOOL_MAX_BYTES,
      commitIntervalMs: config.LEDGER_COMMIT_INTERVAL_MS,
    },
    {
      store: {
        write: ({ rows, ...rest }) => store.write({ rows: retained(rows), ...rest }),
        markOf: (spool) => store.markOf(spool),
      },
      onAdopted: (applied) => limiter.adopt(applied),
      onCommit,
      onProblem: (what, detail) => log.error({ err: detail }, what),
    },
  )
}

function gauges(
  inFlight: () => number,
  bodies: Bodies,
  ledger: Ledger,
  authenticator: Authenticator,
  store: FallbackStore,
) {
  return {
    inFlight,
    heldBytes: bodies.heldBytes,
    spooled: () => ledger.status().spooled,
    spooledBytes: () => ledger.status().spooledBytes,
    spoolOldestSeconds: () => ledger.status().oldestSeconds,
    damagedRecords: () => ledger.status().damagedRecords,
    cacheHits: () => authenticator.stats().hits,
    cacheMisses: () => authenticator.stats().misses,
    cachedKeys: () => authenticator.stats().size,
    authFailures: () => authenticator.stats().failures,
    authBlocked: () => authenticator.stats().blocked,
    storageAway: () => Number(store.status().isAway),
  }
}
