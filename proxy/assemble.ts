import { join } from 'node:path'
import { type Administration, type AdministrationParts, createAdministration } from './administration.ts'
import { type Authenticator, createAuthenticator } from './auth/authenticate.ts'
import type { Guard } from './auth/guard.ts'
import { createChannelQuotas } from './channel-quotas.ts'
import { type CallPathParts, createCallPath } from './call-path.ts'
import { type ChannelTokens, createChannelTokens } from './channel-tokens.ts'
import { type Channels, createChannels } from './channels.ts'
import { createClock } from './clock.ts'
import type { Config } from './config.ts'
import { type Configured, createConfigured } from './configured.ts'
import { createCosting } from './costing.ts'
import type { AuditStore } from './domain/audit.ts'
import type { Cipher } from './domain/cipher.ts'
import type { GatewayError } from './domain/errors.ts'
import type { KeyRecord } from './domain/key.ts'
import { ulid } from './domain/ulid.ts'
import type { WindowState } from './domain/window.ts'
import { type Bodies, createBodies } from './http/body.ts'
import { clientAddressBehind } from './http/client-address.ts'
import type { Gateway } from './http/gateway.ts'
import type { Heartbeat } from './http/heartbeat.ts'
import { createEntrance } from './entrance.ts'
import { createKeyGuard } from './key-guard.ts'
import { keySource } from './key-source.ts'
import { Ledger } from './ledger/ledger.ts'
import type { Limiter } from './limit/limiter.ts'
import { createLimits, type Limits } from './limits.ts'
import { openCipher } from './open-cipher.ts'
import { createModels } from './models.ts'
import { createRecorder, type Recorder } from './recorder.ts'
import { environmentChannels } from './route/environment.ts'
import type { FallbackStore } from './store/fallback-store.ts'
import { createRateLimits } from './rate-limits.ts'
import { createRetained } from './retained.ts'
import { reload } from './reload.ts'
import { createStatistics } from './statistics.ts'
import type { Storage } from './storage.ts'
import type { Configuration } from './store/configuration.ts'
import { createPriceBook } from './store/prices.ts'
import type { Log } from './telemetry/log.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'
import { createTokenEndpoints } from './upstream/oauth.ts'
import type { Upstream } from './upstream/send.ts'
import { version } from './version.ts'

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
  readonly configured: Configured
  /** Undefined where there is no database. */
  readonly audit: AuditStore | undefined
  readonly recorder: Recorder
  readonly administration: Administration
  readonly ledger: Ledger
  readonly upstream: Upstream
  readonly heartbeat: Heartbeat
  readonly gateway: Gateway
  readonly metrics: Metrics
  readonly reportError: (error: GatewayError, requestId: string) => void
}

export async function assemble(
  config: Config,
  storage: Storage,
  store: FallbackStore,
  log: Log,
  { isDraining, catchUp }: Pick<AdministrationParts, 'catchUp'> & { readonly isDraining: () => boolean },
): Promise<Assembly> {
  const boot = ulid()
  const clock = createClock()
  const { now } = clock
  const bank = storage.bankOf?.(boot)
  const configuration = storage.configuration?.(await openedCipher(config, log))
  const rateLimits = createRateLimits()
  const limits = createLimits(config, bank, clock, () => rateLimits.inForce().apiRpm, log)
  const { limiter, quotaPots, replicas } = limits
  const prices = storage.prices && createPriceBook()
  const priceOf = (model: string | undefined) => prices?.priceOf(model ?? null)
  const guard = createKeyGuard(config, () => rateLimits.inForce().blockLevels, log)
  const clientAddress = clientAddressBehind(config.TRUSTED_PROXIES)
  const authenticator = createAuthenticator(keySource(store, limiter, now), now, guard)
  const bodies = createBodies({ maxBytes: config.MAX_REQUEST_BODY_MB, maxHeldBytes: config.MAX_BUFFERED_MB })
  const ledger = await startLedger(config, storage, store, log, { boot, now, limits }, () => metrics)
  const recorder = createRecorder({ configuration, now, log })
  const metrics = createMetrics(gauges(() => gateway.inFlight(), recorder, bodies, ledger, authenticator, store))
  const environment = environmentChannels(config)
  const quotas = createChannelQuotas({ store: configuration?.quotas, pots: quotaPots, replicas, priceOf, now, log })
  const tokens = tokensOf(configuration, now, log)
  const channels = createChannels({ own: environment, suspensions: configuration?.suspensions, quotas, now, log })
  const configured = createConfigured({ configuration, prices, channels, quotas, rateLimits, now })
  const reportError = reportingTo(log, metrics)
  const { gateway, upstream, heartbeat } = createCallPath(config, {
    authenticate: authenticator.authenticate,
    limiter,
    answerModels: prices && createModels({ prices, channels }),
    route: channels.begin,
    enter: createEntrance({ quotas, tokens, gate: limits.gate }),
    ledger,
    priceOf,
    costsOf: createCosting(prices),
    now,
    bodies,
    reportError,
    clientAddress,
    isDraining,
    observe: observingWith(metrics, log),
    record: recorder.record,
  })
  const administration = createAdministration({
    version,
    now,
    environment,
    ...healthOf(channels, store, ledger, now()),
    quotas,
    reload: () => reload({ authenticator, configured, recorder }),
    stores: administered(configuration, storage),
    authenticate: authenticator.authenticate,
    clientAddress,
    catchUp,
    countRequest: rateLimits.countRequest,
    ...tellingOfAdministration(log),
  })
  return {
    authenticator,
    guard,
    clientAddress,
    now,
    limits,
    window: windowIn(limiter, bank && store, now),
    configured,
    audit: configuration?.audit,
    recorder,
    administration,
    ledger,
    upstream,
    heartbeat,
    gateway,
    metrics,
    reportError,
  }
}

function healthOf(
  { health, scheduling }: Channels,
  store: FallbackStore,
  ledger: Ledger,
  startedAt: number,
): Pick<AdministrationParts, 'health' | 'isWell' | 'scheduling' | 'startedAt'> {
  const isWell = (): boolean => !store.status().isAway && ledger.status().problem === null
  return { health, isWell, scheduling, startedAt }
}

function tellingOfAdministration(log: Log): Pick<AdministrationParts, 'onLost' | 'onWatchError'> {
  return {
    onLost: (entries, error) => log.error({ err: error, entries }, 'lines of the audit log could not be written'),
    onWatchError: (error) => log.error({ err: error }, 'those who watch the calls cannot be shown any'),
  }
}

/** Where replicas share the limits the store knows what all of them have used. */
function windowIn(limiter: Limiter, shared: FallbackStore | undefined, now: () => number): Assembly['window'] {
  return createStatistics({
    known: (key) => limiter.usage(key),
    read: shared && ((id, usedSince) => shared.usageOf(id, usedSince)),
    now,
  })
}

function tokensOf(configuration: Configuration | undefined, now: () => number, log: Log): ChannelTokens {
  return createChannelTokens({
    store: configuration?.tokens,
    endpoints: createTokenEndpoints(),
    suspend: async (...suspension) => configuration?.suspensions.suspend(...suspension, now()),
    now,
    log,
  })
}

async function openedCipher(config: Config, log: Log): Promise<Cipher> {
  const { cipher, warnings } = await openCipher(config, { mayMake: true })
  for (const warning of warnings) log.warn(warning)
  return cipher
}

/** Keys with what they have used; each account is opened before its first call. */
function administered(
  configuration: Configuration | undefined,
  { keys, prices }: Storage,
): Parameters<typeof createAdministration>[0]['stores'] {
  return configuration && keys && prices && { configuration, keys, prices }
}

function observingWith(metrics: Metrics, log: Log): CallPathParts['observe'] {
  return (call, key, entry) => {
    metrics.call(call, key, entry)
    // What an upstream says may quote the prompt.
    if (log.isLevelEnabled('debug')) log.debug({ prefix: key.prefix, ...entry, told: undefined }, 'call')
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
  storage: Storage,
  store: FallbackStore,
  log: Log,
  { boot, now, limits }: { readonly boot: string; readonly now: () => number; readonly limits: Limits },
  metrics: () => Pick<Metrics, 'commit'>,
): Promise<Ledger> {
  const retained = createRetained(config, storage, now, log)
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
        write: async ({ rows, ...rest }) => store.write({ rows: await retained(rows), ...rest }),
        markOf: (spool) => store.markOf(spool),
      },
      onAdopted(applied) {
        limits.limiter.adopt(applied)
        limits.quotaPots.adopt(applied)
      },
      onCommit(durationMs, entries, applied) {
        limits.limiter.committed(applied)
        limits.quotaPots.committed(applied)
        metrics().commit(durationMs, entries)
      },
      onProblem: (what, detail) => log.error({ err: detail }, what),
    },
  )
}

function gauges(
  inFlight: () => number,
  recorder: Recorder,
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
    droppedRecordings: () => recorder.dropped(),
  }
}
