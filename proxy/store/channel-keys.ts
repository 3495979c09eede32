import type { Transaction } from 'sequelize'
import type { Cipher } from '../domain/cipher.ts'
import type { ChannelStore } from '../domain/channel-store.ts'
import { NoSuchChannel } from '../domain/config-refusal.ts'
import { maskSecret } from '../domain/mask-secret.ts'
import { changeBesideKeys, told } from './config-change.ts'
import { type Database, select, tableOf } from './database.ts'
import { insertRows } from './insert-rows.ts'
import { channelKeyPlace } from './secret-places.ts'
import { tryDecrypt } from './try-decrypt.ts'

export interface ChannelKeyRow {
  readonly id: string
  readonly channel_id: string
  readonly position: number
  readonly secret: string
  readonly preview: string
  readonly created_at: number
}

export interface ChannelKeyParts {
  readonly database: Database
  readonly cipher: Cipher
  /** Makes an id of at most 26 characters. */
  readonly newKeyId: () => string
}

/** The keys of one channel, or of all, in order. */
export function readKeys(database: Database, id?: string, transaction?: Transaction): Promise<ChannelKeyRow[]> {
  const isOurs = id === undefined ? '' : 'WHERE channel_id = $1'
  return select(
    database,
    `SELECT * FROM ${tableOf(database, 'channel_keys')} ${isOurs} ORDER BY position, id`,
    id === undefined ? [] : [id],
    transaction,
  )
}

/** Answers how many of the secrets were new to the channel. */
export async function addKeys(
  { database, cipher, newKeyId }: ChannelKeyParts,
  transaction: Transaction,
  id: string,
  secrets: readonly string[],
  now: number,
): Promise<number> {
  const rows = await readKeys(database, id, transaction)
  // Whoever gives a key once more that cannot be decrypted repairs the channel.
  const known = new Set(rows.map((row) => tryDecrypt(cipher, row.secret, channelKeyPlace(id, row.id))))
  const last = rows.at(-1)?.position ?? 0
  const added = [...new Set(secrets)]
    .filter((secret) => !known.has(secret))
    .map((secret, place) => {
      const keyId = newKeyId()
      return {
        id: keyId,
        channel_id: id,
        position: last + place + 1,
        secret: cipher.encrypt(secret, channelKeyPlace(id, keyId)),
        preview: maskSecret(secret),
        created_at: now,
      }
    })
  await insertRows(database, 'channel_keys', added, transaction)
  return added.length
}

export function createChannelKeys(parts: ChannelKeyParts): ChannelStore['keys'] {
  const { database } = parts
  const table = tableOf(database, 'channel_keys')
  const change = async (statement: string, id: string, keyId: string, transaction: Transaction): Promise<void> => {
    const rows = await select(database, `${statement} RETURNING id`, [id, keyId], transaction)
    if (rows.length === 0) throw new NoSuchChannel(`there is no channel ${id} with a key ${keyId}`)
  }

  return {
    async list(id) {
      const rows = await told('list the keys of a channel', readKeys(database, id))
      return rows.map(({ id: keyId, preview, created_at: createdAt }) => ({ id: keyId, preview, createdAt }))
    },

    add: (id, secrets, now, expectedRevision) =>
      changeBesideKeys(database, 'add keys to a channel', expectedRevision, async (transaction) => {
        const channels = `SELECT id FROM ${tableOf(database, 'channels')} WHERE id = $1`
        const found = await select(database, channels, [id], transaction)
        if (found.length === 0) throw new NoSuchChannel(`there is no channel ${id}`)
        return addKeys(parts, transaction, id, secrets, now)
      }),

    remove: (id, keyId, expectedRevision) =>
      changeBesideKeys(database, 'remove a key of a channel', expectedRevision, (transaction) =>
        change(`DELETE FROM ${table} WHERE channel_id = $1 AND id = $2`, id, keyId, transaction),
      ),

    move: (id, keyId, to, expectedRevision) =>
      changeBesideKeys(database, 'move a key of a channel', expectedRevision, (transaction) => {
        const end = to === 'top' ? 'min(position) - 1' : 'max(position) + 1'
        const position = `(SELECT ${end} FROM ${table} WHERE channel_id = $1)`
        const update = `UPDATE ${table} SET position = ${position} WHERE channel_id = $1 AND id = $2`
        return change(update, id, keyId, transaction)
      }),
  }
}
