import type { Transaction } from 'sequelize'
import type { ReadConfiguration, SealedChannel, WholeConfiguration } from '../domain/whole-configuration.ts'
import { type ChannelKeyRow, readKeys } from './channel-keys.ts'
import { type ChannelRow, toChannel } from './channel-row.ts'
import { changeConfig } from './config-change.ts'
import { type Database, select, tableOf } from './database.ts'
import { readPrices } from './price-rows.ts'
import { revisionQuery } from './revision.ts'
import { tenantModelIn, toTenant } from './tenant-row.ts'

/** The configuration as it was at one moment: no change is made while it is read. Throws `StoreError`. */
export async function readWhole(database: Database): Promise<ReadConfiguration> {
  let read: ReadConfiguration | undefined
  await changeConfig(database, 'read the configuration', undefined, async (transaction) => {
    read = await readWholeIn(database, transaction)
    return false // nothing was changed
  })
  return read as unknown as ReadConfiguration // safe: assigned above, or that has thrown
}

/** The same in a transaction of a change. */
export async function readWholeIn(database: Database, transaction: Transaction): Promise<ReadConfiguration> {
  const all = <Row extends object>(sql: string): Promise<Row[]> => select<Row>(database, sql, [], transaction)
  const [revision] = await all<{ value: string }>(revisionQuery(database))
  const aliases = `SELECT pool, value, description FROM ${tableOf(database, 'model_aliases')} ORDER BY pool, position`
  const users = await all<WholeConfiguration['userAliases'][number]>(
    `SELECT user_id AS "userId", alias FROM ${tableOf(database, 'user_aliases')}`,
  )
  const settings = await all<{ name: string; value: string }>(
    `SELECT name, value FROM ${tableOf(database, 'settings')} WHERE name <> 'revision' ORDER BY name`,
  )
  const tenants = await tenantModelIn(database).findAll({ order: ['id'], transaction })
  const whole: WholeConfiguration = {
    channels: await readChannels(database, transaction),
    prices: await readPrices(database, transaction),
    modelAliases: await all(aliases),
    userAliases: users.toSorted((one, other) => (one.userId < other.userId ? -1 : 1)), // engines sort texts each in its way
    settings: new Map(settings.map(({ name, value }) => [name, JSON.parse(value)])),
    tenants: tenants.map(toTenant),
  }
  return { whole, revision: revision?.value ?? '' }
}

async function readChannels(database: Database, transaction: Transaction): Promise<readonly SealedChannel[]> {
  const sorted = `SELECT * FROM ${tableOf(database, 'channels')} ORDER BY pool, position, id`
  const rows = await select<ChannelRow>(database, sorted, [], transaction)
  const keys = Map.groupBy(await readKeys(database, undefined, transaction), (key) => key.channel_id)
  return rows.map((row) => {
    const {
      fault: _fault,
      position: _position,
      promotionUntil: _until,
      keys: _keys,
      oauth: _oauth,
      ...fields
    } = toChannel(row, { kind: 'secrets', keys: [], oauth: null })
    return { ...fields, sealedKeys: (keys.get(row.id) ?? []).map(toSealed), sealedOauth: row.oauth }
  })
}

function toSealed({ id, secret, preview, created_at: createdAt }: ChannelKeyRow): SealedChannel['sealedKeys'][number] {
  return { id, sealed: secret, preview, createdAt }
}
