import { type AdminParts, createAdmin } from './admin/admin.ts'
import { createAuditor } from './admin/auditor.ts'
import { countedAddress } from './auth/address.ts'
import { createSecret } from './auth/secret.ts'
import { pingUpstream, upstreamModels } from './channel-probes.ts'
import type { AuditEntry } from './domain/audit.ts'
import type { Channel } from './domain/channel.ts'
import { ulid } from './domain/ulid.ts'
import type { OperationParts } from './http/operations.ts'
import { createLimitUsage } from './limit-usage.ts'
import { createLogWatch } from './log-watch.ts'
import { compositeProblems } from './route/composite.ts'
import { preview } from './route/preview.ts'
import { problemsOf } from './route/rules.ts'
import type { Configuration } from './store/configuration.ts'
import { defaultPrices } from './store/default-prices.ts'
import type { KeyStore } from './store/keys.ts'

export interface AdministrationParts
  extends
    Pick<OperationParts, 'authenticate' | 'catchUp' | 'clientAddress' | 'countRequest' | 'now'>,
    Pick<AdminParts, 'health' | 'isWell' | 'quotas' | 'reload' | 'scheduling' | 'startedAt'> {
  readonly version: string
  /** Undefined where the keys are in a file. */
  readonly stores:
    | { readonly configuration: Configuration; readonly keys: KeyStore; readonly prices: AdminParts['prices'] }
    | undefined
  /** The channels that the environment describes. */
  readonly environment: readonly Channel[]
  /** Told of lines of the audit log that could not be written; they hold no secrets. */
  readonly onLost: (entries: readonly AuditEntry[], cause: unknown) => void
  /** Told when those who watch the calls cannot be shown any. */
  readonly onWatchError: (error: unknown) => void
}

export interface Administration {
  readonly operations: OperationParts
  /** Resolves when the audit log is written as far as it goes; before the database is closed. */
  readonly settled: () => Promise<void>
  /** Ends the streams of those who watch the calls. */
  readonly stopWatch: () => void
}

const WATCH_INTERVAL_MS = 1000

/** The admin API; without a database, what it would be. */
export function createAdministration(parts: AdministrationParts): Administration {
  const { version, stores, environment, authenticate, catchUp, clientAddress, countRequest, now } = parts
  const { onLost, onWatchError: onError } = parts
  const common = { authenticate, catchUp, clientAddress, countedAddress, countRequest, now }
  if (stores === undefined) {
    const nothing = {} as AdminParts // safe: without a database no operation is performed
    return {
      operations: {
        ...common,
        ...createAdmin(version, nothing),
        hasDatabase: false,
        readRevision: () => Promise.resolve(''),
        audit: () => {},
      },
      settled: () => Promise.resolve(),
      stopWatch: () => {},
    }
  }
  const { configuration, keys, prices } = stores
  const { channels, suspensions, settings, aliases, audit, logs, statistics, whole, backups, recordings } =
    configuration
  const auditor = createAuditor({ store: audit, newId: ulid, onLost })
  const endedSince = (instant: number) => logs.endedSince(instant)
  const watch = createLogWatch({ endedSince, now, pollIntervalMs: WATCH_INTERVAL_MS, onError })
  const admin = createAdmin(version, {
    channels,
    suspensions,
    environment,
    compositeProblems,
    ping: pingUpstream,
    upstreamModels,
    preview,
    statistics,
    health: parts.health,
    scheduling: parts.scheduling,
    version,
    startedAt: parts.startedAt,
    isWell: parts.isWell,
    quotas: parts.quotas,
    keys,
    tenants: keys.tenants,
    limitUsage: createLimitUsage(keys),
    newSecret: createSecret,
    prices,
    defaultPrices,
    settings,
    ruleProblems: problemsOf,
    modelAliases: aliases,
    userAliases: aliases,
    whole,
    backups,
    newBackupId: ulid,
    revision: () => configuration.revision(),
    reload: parts.reload,
    audit,
    logs,
    recordings,
    watch,
  })
  return {
    operations: {
      ...common,
      ...admin,
      hasDatabase: true,
      readRevision: () => configuration.revision(),
      audit: auditor.record,
    },
    settled: auditor.settled,
    stopWatch: () => watch.stop(),
  }
}
