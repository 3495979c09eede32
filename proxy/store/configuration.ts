import { randomBytes } from 'node:crypto'
import type { AuditStore } from '../domain/audit.ts'
import type { Channel } from '../domain/channel.ts'
import type { ChannelStore } from '../domain/channel-store.ts'
import type { Cipher } from '../domain/cipher.ts'
import type { LogStore } from '../domain/log.ts'
import type { LogStatistics } from '../domain/log-statistics.ts'
import type { RecordingStore } from '../domain/recording.ts'
import { ulid } from '../domain/ulid.ts'
import type { BackupStore, WholeStore } from '../domain/whole-configuration.ts'
import { type AliasStore, createAliasStore } from './aliases.ts'
import { createAuditStore } from './audit.ts'
import { type CallConfiguration, readCallConfiguration } from './call-configuration.ts'
import { createQuotaStore, type QuotaStore } from './channel-quota.ts'
import { openChannels, type SealedChannels } from './channel-reader.ts'
import { createTokenStore, type TokenStore } from './channel-tokens.ts'
import { createChannelStore } from './channels.ts'
import { createBackupStore } from './config-backups.ts'
import type { Database } from './database.ts'
import { createLogStatistics } from './log-statistics.ts'
import { createLogStore } from './logs.ts'
import { createRecordingStore } from './recordings.ts'
import { readRevision } from './revision.ts'
import { createSettingStore, type SettingStore } from './settings.ts'
import { createSuspensionStore, type SuspensionStore } from './suspensions.ts'
import { createWholeStore } from './whole-configuration.ts'

/** What administrators say besides keys and prices, and what they did. */
export interface Configuration {
  readonly channels: ChannelStore
  readonly suspensions: SuspensionStore
  readonly quotas: QuotaStore
  readonly tokens: TokenStore
  readonly settings: SettingStore
  readonly aliases: AliasStore
  readonly audit: AuditStore
  readonly logs: LogStore
  readonly statistics: LogStatistics
  readonly whole: WholeStore
  readonly backups: BackupStore
  readonly recordings: RecordingStore
  /** What the path of a call needs, all of one revision. Throws `StoreError`. */
  forCalls(now: number): Promise<CallConfiguration>
  /** Decrypts what is secret of them. */
  open(sealed: SealedChannels): readonly Channel[]
  /** Of all that is configured; it changes with every write. */
  revision(): Promise<string>
}

const CHANNEL_ID_BYTES = 4

export function createConfiguration(database: Database, cipher: Cipher): Configuration {
  const newChannelId = (): string => randomBytes(CHANNEL_ID_BYTES).toString('hex')
  const suspensions = createSuspensionStore(database)
  const quotas = createQuotaStore(database)
  const settings = createSettingStore(database)
  return {
    channels: createChannelStore({ database, cipher, newChannelId, newKeyId: ulid }),
    suspensions,
    tokens: createTokenStore(database, cipher),
    quotas,
    settings,
    aliases: createAliasStore(database),
    audit: createAuditStore(database),
    logs: createLogStore(database),
    statistics: createLogStatistics(database),
    whole: createWholeStore({ database, cipher, newKeyId: ulid }),
    backups: createBackupStore(database),
    recordings: createRecordingStore(database),
    forCalls: (now) => readCallConfiguration({ database, suspensions, quotas, settings }, now),
    open: (sealed) => openChannels(sealed, cipher),
    revision: () => readRevision(database),
  }
}
