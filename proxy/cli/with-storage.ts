import type { ChannelDesk } from '../channel-desk.ts'
import type { ConfigDesk } from '../config-desk.ts'
import type { Config } from '../config.ts'
import { tellingChanges } from '../desk-operations.ts'
import { toldKeys, toldPrices } from '../desk-stores.ts'
import type { AuditEntry } from '../domain/audit.ts'
import { GatewayError } from '../domain/errors.ts'
import { StoreError } from '../domain/store-error.ts'
import { needsDatabase, openForSchema, openStorage, type Storage } from '../storage.ts'
import type { Configuration } from '../store/configuration.ts'
import type { Database } from '../store/database.ts'
import type { KeyStore } from '../store/keys.ts'
import type { PriceStore } from '../store/prices.ts'
import { CommandError } from './errors.ts'
import { schemaVariable, storeProblem } from './store-problem.ts'

/** Opens the storage, makes it ready, and closes it whatever happens. Problems of it become one sentence. */
export async function withStorage(config: Config, work: (storage: Storage) => Promise<void>): Promise<void> {
  try {
    const storage = await openStorage(config, { onRetry: () => {}, onWait: tellHolder })
    try {
      await storage.store.initialise()
      await work(storage)
    } finally {
      await storage.store.close()
    }
  } catch (error) {
    throw error instanceof StoreError ? storeProblem(config, error) : error
  }
}

/** Likewise, for what only a database has. What is changed comes into the audit log. */
export function withKeys(config: Config, work: (keys: KeyStore) => Promise<void>): Promise<void> {
  return withStorage(config, async ({ keys, audit }) => {
    if (keys === undefined || audit === undefined) throw needsDatabase()
    await work(toldKeys(keys, tellingChanges({ store: audit, onLost: tellLost })))
  })
}

/** Likewise. */
export function withPrices(config: Config, work: (prices: PriceStore) => Promise<void>): Promise<void> {
  return withStorage(config, async ({ prices, audit }) => {
    if (prices === undefined || audit === undefined) throw needsDatabase()
    await work(toldPrices(prices, tellingChanges({ store: audit, onLost: tellLost })))
  })
}

/** Likewise. What the admin API would refuse is told as it tells it. */
export function withChannels(config: Config, work: (desk: ChannelDesk) => Promise<void>): Promise<void> {
  return withCipher(config, async (configuration) => {
    const { createChannelDesk } = await import('../channel-desk.ts') // no other command needs what it reads
    await work(createChannelDesk(config, configuration, tellLost))
  })
}

/** Likewise. */
export function withConfiguration(config: Config, work: (desk: ConfigDesk) => Promise<void>): Promise<void> {
  return withCipher(config, async (configuration, { prices }) => {
    // As a start does: what a document leaves out is not to come back with the next one.
    await prices?.loadDefaults('unseen')
    const { createConfigDesk } = await import('../config-desk.ts')
    await work(createConfigDesk(config, configuration, tellLost))
  })
}

/** What was done is done; lines of the audit log hold no secrets. */
export function tellLost(lines: readonly AuditEntry[], cause: unknown): void {
  process.stderr.write(`The audit log cannot be written: ${String(cause)}\n${JSON.stringify(lines)}\n`)
}

function withCipher(
  config: Config,
  work: (configuration: Configuration, storage: Storage) => Promise<void>,
): Promise<void> {
  return withStorage(config, async (storage) => {
    const { type, configuration } = storage
    if (configuration === undefined) throw needsDatabase()
    const { openCipher } = await import('../open-cipher.ts')
    // Beside PostgreSQL a key that is made here would be one that no replica has.
    const { cipher, warnings } = await openCipher(config, { mayMake: type === 'sqlite' })
    for (const warning of warnings) process.stderr.write(`${warning}\n`)
    await work(configuration(cipher), storage).catch((error: unknown) => {
      throw error instanceof GatewayError ? refusalOf(error) : error
    })
  })
}

function refusalOf({ message, particulars: { details } }: GatewayError): CommandError {
  if (details === undefined) return new CommandError(message)
  return new CommandError(['This cannot be:', ...details.map((one) => `  ${one.field}: ${one.message}`)].join('\n'))
}

/** Likewise, for the schema itself, which is left as it is. */
export async function withSchema<T>(
  config: Config,
  mayCreate: boolean,
  work: (database: Database, location: string) => Promise<T>,
): Promise<T> {
  try {
    const { database, location } = await openForSchema(config, mayCreate)
    try {
      return await work(database, location)
    } finally {
      await database.close()
    }
  } catch (error) {
    throw error instanceof StoreError ? storeProblem(config, error, schemaVariable(config)) : error
  }
}

/** Says on standard error for whom we wait. */
export function tellHolder(holder: string): void {
  process.stderr.write(`Waiting for ${holder} to finish its work on the schema.\n`)
}
