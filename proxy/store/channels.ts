import type { Transaction } from 'sequelize'
import type { Channel } from '../domain/channel.ts'
import type { ChannelStore } from '../domain/channel-store.ts'
import { ChannelNameTaken, IncompleteOrder, NoSuchChannel } from '../domain/config-refusal.ts'
import { addKeys, type ChannelKeyParts, createChannelKeys } from './channel-keys.ts'
import { createChannelReader } from './channel-reader.ts'
import { type ChannelRow, columnsOf } from './channel-row.ts'
import { changeBesideKeys, isTaken, told } from './config-change.ts'
import { run, select, tableOf } from './database.ts'
import { insertRows } from './insert-rows.ts'
import { channelOauthPlace } from './secret-places.ts'

interface Parts extends ChannelKeyParts {
  /** Makes eight hex digits. */
  readonly newChannelId: () => string
}

export function createChannelStore(parts: Parts): ChannelStore {
  const { database, cipher, newChannelId } = parts
  const table = tableOf(database, 'channels')

  const reader = createChannelReader(database, cipher)

  const findChanged = async (id: string, transaction: Transaction): Promise<Channel> => {
    const channel = await reader.find(id, transaction)
    if (!channel) throw noSuchChannel(id)
    return channel
  }

  /** Changes one channel by a statement that answers its row, and answers the row. */
  const change = async (statement: string, id: string, transaction: Transaction): Promise<ChannelRow> => {
    const [row] = await select<ChannelRow>(database, `${statement} WHERE id = $1 RETURNING *`, [id], transaction)
    if (!row) throw noSuchChannel(id)
    return row
  }

  const update: ChannelStore['update'] = (id, changes, now, expectedRevision) =>
    changeBesideKeys(database, 'change a channel', expectedRevision, async (transaction) => {
      const sealed = columnsOf(changes, (text) => cipher.encrypt(text, channelOauthPlace(id)))
      const columns = Object.entries({ ...sealed, updated_at: now })
      const assignments = columns.map(([column], place) => `${column} = $${place + 1}`)
      const statement = `UPDATE ${table} SET ${assignments.join(', ')} WHERE id = $${columns.length + 1}`
      const bind = [...columns.map(([, value]) => value), id]
      await run(database, statement, bind, transaction).catch(nameTaken)
      return findChanged(id, transaction)
    })

  return {
    list: () => told('read the channels', reader.list()),
    find: (id) => told('find a channel', reader.find(id)),

    create: (input, now, expectedRevision) =>
      changeBesideKeys(database, 'make a channel', expectedRevision, async (transaction) => {
        const id = newChannelId()
        const row = {
          id,
          pool: input.pool,
          position: (await idsIn(input.pool, transaction)).length + 1,
          ...columnsOf(input, (text) => cipher.encrypt(text, channelOauthPlace(id))),
          created_at: now,
          updated_at: now,
        }
        await insertRows(database, 'channels', [row], transaction).catch(nameTaken)
        await addKeys(parts, transaction, id, input.keys, now)
        return findChanged(id, transaction)
      }),

    update,
    setStatus: (id, status, now, expectedRevision) => update(id, { status }, now, expectedRevision),

    remove: (id, expectedRevision) =>
      changeBesideKeys(database, 'remove a channel', expectedRevision, async (transaction) => {
        const { pool, position } = await change(`DELETE FROM ${table}`, id, transaction)
        const closeGap = `UPDATE ${table} SET position = position - 1 WHERE pool = $1 AND position > $2`
        await run(database, closeGap, [pool, position], transaction)
        for (const its of ['channel_keys', 'channel_suspensions', 'channel_quota']) {
          await run(database, `DELETE FROM ${tableOf(database, its)} WHERE channel_id = $1`, [id], transaction)
        }
      }),

    reorder: (pool, ids, expectedRevision) =>
      changeBesideKeys(database, 'reorder channels', expectedRevision, async (transaction) => {
        const present = await idsIn(pool, transaction)
        const named = new Set(ids)
        const isWhole = ids.length === present.length && present.every((id) => named.has(id))
        if (!isWhole) throw new IncompleteOrder(`an order of the pool ${pool} names each of its channels once`)
        for (const [place, id] of ids.entries()) {
          await run(database, `UPDATE ${table} SET position = $1 WHERE id = $2`, [place + 1, id], transaction)
        }
      }),

    promote: (id, until, expectedRevision) =>
      changeBesideKeys(database, 'promote a channel', expectedRevision, async (transaction) => {
        const { pool } = await change(`UPDATE ${table} SET promotion_until = NULL`, id, transaction)
        if (until === null) return
        await run(database, `UPDATE ${table} SET promotion_until = NULL WHERE pool = $1`, [pool], transaction)
        await run(database, `UPDATE ${table} SET promotion_until = $1 WHERE id = $2`, [until, id], transaction)
      }),

    keys: createChannelKeys(parts),
  }

  async function idsIn(pool: Channel['pool'], transaction: Transaction): Promise<string[]> {
    const rows = await select<{ id: string }>(database, `SELECT id FROM ${table} WHERE pool = $1`, [pool], transaction)
    return rows.map(({ id }) => id)
  }
}

function noSuchChannel(id: string): NoSuchChannel {
  return new NoSuchChannel(`there is no channel ${id}`)
}

function nameTaken(cause: unknown): never {
  throw isTaken(cause, 'name') ? new ChannelNameTaken('another channel of the pool has this name', { cause }) : cause
}
