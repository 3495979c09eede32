import type { Transaction } from 'sequelize'
import type { Channel, ChannelOauth } from '../domain/channel.ts'
import { CannotDecrypt, type Cipher } from '../domain/cipher.ts'
import { type ChannelKeyRow, readKeys } from './channel-keys.ts'
import { type ChannelRow, type ChannelSecrets, toChannel } from './channel-row.ts'
import { type Database, select, tableOf } from './database.ts'
import { channelKeyPlace, channelOauthPlace } from './secret-places.ts'

/** Channels with what is encrypted of them. Errors are the engine's. */
export interface ChannelReader {
  /** By pool and position. */
  list(transaction?: Transaction): Promise<Channel[]>
  find(id: string, transaction?: Transaction): Promise<Channel | undefined>
}

/** Channels as they are stored: what is secret of them is encrypted. */
export interface SealedChannels {
  /** By pool and position. */
  readonly channels: readonly ChannelRow[]
  /** Of all of them, in order. */
  readonly keys: readonly SealedKey[]
}

type SealedKey = Pick<ChannelKeyRow, 'id' | 'channel_id' | 'secret'>

export async function readChannels(database: Database, transaction?: Transaction): Promise<SealedChannels> {
  const all = `SELECT * FROM ${tableOf(database, 'channels')} ORDER BY pool, position, id`
  const [channels, keys] = await Promise.all([
    select<ChannelRow>(database, all, [], transaction),
    readKeys(database, undefined, transaction),
  ])
  return { channels, keys: keys.map(({ id, channel_id, secret }) => ({ id, channel_id, secret })) }
}

/** A channel of which something cannot be decrypted is there with a fault. */
export function openChannels({ channels, keys }: SealedChannels, cipher: Cipher): Channel[] {
  const byChannel = Map.groupBy(keys, (key) => key.channel_id)
  return channels.map((row) => toChannel(row, secretsOf(cipher, row, byChannel.get(row.id) ?? [])))
}

/** What the fault of such a channel begins with. */
export const UNREADABLE = 'secrets cannot be decrypted'

export function createChannelReader(database: Database, cipher: Cipher): ChannelReader {
  const table = tableOf(database, 'channels')
  return {
    async list(transaction) {
      return openChannels(await readChannels(database, transaction), cipher)
    },

    async find(id, transaction) {
      const [row] = await select<ChannelRow>(database, `SELECT * FROM ${table} WHERE id = $1`, [id], transaction)
      return row && toChannel(row, secretsOf(cipher, row, await readKeys(database, id, transaction)))
    },
  }
}

/** A channel that has lost one of its secrets serves with none: half of an account would look like a whole one. */
function secretsOf(cipher: Cipher, row: ChannelRow, keys: readonly SealedKey[]): ChannelSecrets {
  try {
    const oauth = row.oauth === null ? null : cipher.decrypt(row.oauth, channelOauthPlace(row.id))
    return {
      kind: 'secrets',
      keys: keys.map(({ id, secret }) => ({ id, secret: cipher.decrypt(secret, channelKeyPlace(row.id, id)) })),
      oauth: oauth === null ? null : (JSON.parse(oauth) as ChannelOauth), // safe: we encrypted it, and nobody changed it
    }
  } catch (error) {
    if (!(error instanceof CannotDecrypt)) throw error
    return { kind: 'fault', fault: `${UNREADABLE}: ${error.message}` }
  }
}
