import type { Channel, ChannelOauth } from './channel.ts'
import type { Prices } from './price.ts'
import type { Tenant, TenantFields } from './tenant.ts'

/** A key of a channel as it is stored: encrypted, for this key of this channel alone. */
export interface SealedKey {
  readonly id: string
  readonly sealed: string
  readonly preview: string
  readonly createdAt: number
}

/** What is said of a channel besides its secrets and its place. */
export type ChannelFields = Omit<Channel, 'fault' | 'position' | 'promotionUntil' | 'keys' | 'oauth'>

/** A channel with its secrets as they are stored. */
export interface SealedChannel extends ChannelFields {
  readonly sealedKeys: readonly SealedKey[]
  readonly sealedOauth: string | null
}

/** A channel as it is to be: secrets that are given in the plain are encrypted when it is written. */
export interface GivenChannel extends SealedChannel {
  /** Behind those that are sealed; one that the channel has already stays as it is stored. */
  readonly newKeys: readonly string[]
  /** Instead of what is sealed. */
  readonly newOauth: ChannelOauth | null
}

interface UserAlias {
  readonly userId: string
  readonly alias: string
}

interface ModelAlias {
  readonly pool: Channel['pool']
  readonly value: string
  readonly description: string
}

/** All that administrators have said besides keys. */
export interface WholeConfiguration {
  /** By pool, each in its order. */
  readonly channels: readonly SealedChannel[]
  readonly prices: Prices
  /** By pool, each in its order. */
  readonly modelAliases: readonly ModelAlias[]
  /** By user. */
  readonly userAliases: readonly UserAlias[]
  /** By name; one that is not set counts as its default. */
  readonly settings: ReadonlyMap<string, unknown>
  /** By id. */
  readonly tenants: readonly Tenant[]
}

/** What takes its place. What is left out stays. */
export interface GivenConfiguration extends Partial<
  Omit<WholeConfiguration, 'channels' | 'userAliases' | 'settings' | 'tenants'>
> {
  /** Those that are not named are removed. */
  readonly channels?: readonly GivenChannel[]
  /** No alias stands twice. */
  readonly userAliases?: readonly UserAlias[]
  /** Undefined goes back to the default; a name that is not here stays. */
  readonly settings?: ReadonlyMap<string, object | undefined>
  /** Those that are not named stay: keys and what they have used belong to them. */
  readonly tenants?: readonly (TenantFields & Pick<Tenant, 'id'>)[]
}

export interface ReadConfiguration {
  readonly whole: WholeConfiguration
  readonly revision: string
}

/** What a replacement has done, or would do. */
export interface Replacement {
  readonly before: WholeConfiguration
  readonly after: WholeConfiguration
  /** Channels that cannot serve now, and why. */
  readonly faults: readonly (Pick<Channel, 'id' | 'name'> & { readonly fault: string })[]
}

/** A copy of the configuration that the database keeps. */
export interface Backup {
  readonly id: string
  readonly createdAt: number
  /** Who, by name. */
  readonly createdBy: string
  readonly note: string
}

export interface StoredBackup extends Backup {
  /** Of which it is a copy. */
  readonly revision: string
  readonly sizeBytes: number
}

export interface NewBackup extends Backup {
  readonly write: (read: ReadConfiguration) => string
}

export interface ReplaceOptions {
  readonly now: number
  readonly expectedRevision: string | undefined
  /** Everything is done, and undone again. */
  readonly isDryRun: boolean
  /** Of what was there before. */
  readonly backup?: NewBackup
}

/** The configuration as one thing. Every method throws `StoreError`. */
export interface WholeStore {
  read(): Promise<ReadConfiguration>
  /** All or nothing. Throws `RevisionConflict`, and `TenantNameTaken` where a tenant that stays has the name. */
  replace(given: GivenConfiguration, options: ReplaceOptions): Promise<Replacement>
}

/** Copies of the configuration; no more than `MAX_BACKUPS`, the oldest goes. Every method throws `StoreError`. */
export interface BackupStore {
  /** Newest first. */
  list(): Promise<readonly StoredBackup[]>
  /** The text that was written. */
  find(id: string): Promise<string | undefined>
  add(backup: NewBackup): Promise<StoredBackup>
  /** Answers whether it was there. */
  remove(id: string): Promise<boolean>
}

export const MAX_BACKUPS = 50
