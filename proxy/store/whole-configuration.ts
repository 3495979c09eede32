import type { Transaction } from 'sequelize'
import type { Cipher } from '../domain/cipher.ts'
import { ConfigRefusal } from '../domain/config-refusal.ts'
import { TenantNameTaken } from '../domain/key-refusal.ts'
import { PLAIN_TENANT } from '../domain/tenant.ts'
import type {
  GivenConfiguration,
  Replacement,
  ReplaceOptions,
  WholeConfiguration,
  WholeStore,
} from '../domain/whole-configuration.ts'
import { createChannelReader } from './channel-reader.ts'
import { keepBackup } from './config-backups.ts'
import { changeConfig, isTaken } from './config-change.ts'
import { type Database, run, tableOf } from './database.ts'
import { insertRows } from './insert-rows.ts'
import { readWhole, readWholeIn } from './read-whole.ts'
import { replaceChannels } from './replace-channels.ts'
import { writePrices } from './replace-prices.ts'
import { tenantColumnsOf } from './tenant-row.ts'

interface Parts {
  readonly database: Database
  readonly cipher: Cipher
  /** Makes an id of at most 26 characters. */
  readonly newKeyId: () => string
}

/** Carries what a dry run would have done out of the transaction, and takes it back. */
class DryRunIsOver extends ConfigRefusal {
  override readonly name = 'DryRunIsOver'
}

export function createWholeStore(parts: Parts): WholeStore {
  const { database, cipher } = parts
  const reader = createChannelReader(database, cipher)

  const replaceIn = async (
    transaction: Transaction,
    given: GivenConfiguration,
    { now, backup }: ReplaceOptions,
  ): Promise<Replacement> => {
    const read = await readWholeIn(database, transaction)
    if (backup) await keepBackup(database, transaction, backup, read)
    const before = read.whole
    if (given.channels) await replaceChannels(parts, transaction, given.channels, before.channels, now)
    if (given.prices) await writePrices(database, transaction, given.prices)
    if (given.modelAliases) await replaceModelAliases(database, transaction, given.modelAliases)
    if (given.userAliases) await replaceUserAliases(database, transaction, given.userAliases)
    if (given.settings) await replaceSettings(database, transaction, given.settings)
    if (given.tenants) await putTenants(database, transaction, given.tenants, before.tenants, now)
    const { whole: after } = await readWholeIn(database, transaction)
    const channels = await reader.list(transaction)
    const faults = channels.flatMap(({ id, name, fault }) => (fault === null ? [] : [{ id, name, fault }]))
    return { before, after, faults }
  }

  return {
    read: () => readWhole(database),

    async replace(given, options) {
      let done: Replacement | undefined
      const replacing = changeConfig(
        database,
        'replace the configuration',
        options.expectedRevision,
        async (transaction) => {
          done = await replaceIn(transaction, given, options)
          if (options.isDryRun) throw new DryRunIsOver()
          return done
        },
      )
      return replacing.catch((error: unknown) => {
        if (error instanceof DryRunIsOver && done) return done
        throw error
      })
    },
  }
}

async function replaceModelAliases(
  database: Database,
  transaction: Transaction,
  aliases: WholeConfiguration['modelAliases'],
): Promise<void> {
  await run(database, `DELETE FROM ${tableOf(database, 'model_aliases')}`, [], transaction)
  const rows = aliases.map(({ pool, value, description }, place) => ({ pool, value, description, position: place + 1 }))
  await insertRows(database, 'model_aliases', rows, transaction)
}

async function replaceUserAliases(
  database: Database,
  transaction: Transaction,
  aliases: WholeConfiguration['userAliases'],
): Promise<void> {
  await run(database, `DELETE FROM ${tableOf(database, 'user_aliases')}`, [], transaction)
  const rows = aliases.map(({ userId, alias }) => ({ user_id: userId, alias }))
  await insertRows(database, 'user_aliases', rows, transaction)
}

async function replaceSettings(
  database: Database,
  transaction: Transaction,
  settings: NonNullable<GivenConfiguration['settings']>,
): Promise<void> {
  for (const name of settings.keys()) {
    await run(database, `DELETE FROM ${tableOf(database, 'settings')} WHERE name = $1`, [name], transaction)
  }
  const rows = [...settings].flatMap(([name, value]) => (value ? [{ name, value: JSON.stringify(value) }] : []))
  await insertRows(database, 'settings', rows, transaction)
}

/** Those that are to be others go before any comes back: two may change their names with one another. */
async function putTenants(
  database: Database,
  transaction: Transaction,
  given: NonNullable<GivenConfiguration['tenants']>,
  before: WholeConfiguration['tenants'],
  now: number,
): Promise<void> {
  const known = new Map(before.map((tenant) => [tenant.id, tenant]))
  const rows = given.flatMap(({ id, ...fields }) => {
    const old = known.get(id)
    const columns = tenantColumnsOf({ ...PLAIN_TENANT, ...fields })
    const isSame = old !== undefined && JSON.stringify(columns) === JSON.stringify(tenantColumnsOf(old))
    return isSame
      ? []
      : [{ id, ...columns, created_at: old?.createdAt ?? now, updated_at: now, reset_at: old?.resetAt ?? null }]
  })
  for (const { id } of rows) {
    await run(database, `DELETE FROM ${tableOf(database, 'tenants')} WHERE id = $1`, [id], transaction)
  }
  await insertRows(database, 'tenants', rows, transaction).catch((cause: unknown) => {
    throw isTaken(cause, 'name') ? new TenantNameTaken('a tenant that stays has this name', { cause }) : cause
  })
}
