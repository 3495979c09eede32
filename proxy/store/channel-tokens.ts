import type { Transaction } from 'sequelize'
import type { ChannelOauth } from '../domain/channel.ts'
import type { Cipher } from '../domain/cipher.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'
import { bumpRevision, revisionQuery } from './revision.ts'
import { channelOauthPlace } from './secret-places.ts'

/** The OAuth accounts of channels. */
export interface TokenStore {
  /**
   * Renews an account while no other replica does, and tells all of it. `exchange` gets what is stored now, and answers
   * that or what takes its place. Answers what is in force then; undefined where the channel has no account any more.
   * Throws `StoreError`, and whatever `exchange` throws.
   */
  renew(channelId: string, exchange: (stored: ChannelOauth) => Promise<ChannelOauth>): Promise<ChannelOauth | undefined>
}

interface Renewal {
  readonly stored: ChannelOauth
  readonly next: ChannelOauth
}

export function createTokenStore(database: Database, cipher: Cipher): TokenStore {
  const table = tableOf(database, 'channels')

  const read = async (channelId: string, transaction?: Transaction): Promise<ChannelOauth | undefined> => {
    const find = `SELECT oauth FROM ${table} WHERE id = $1`
    const [row] = await select<{ oauth: string | null }>(database, find, [channelId], transaction)
    const sealed = row?.oauth ?? null
    if (sealed === null) return undefined
    return JSON.parse(cipher.decrypt(sealed, channelOauthPlace(channelId))) as ChannelOauth // safe: we encrypted it
  }
  /** Whoever has changed the account meanwhile knows better. */
  const write = async (channelId: string, { stored, next }: Renewal, transaction: Transaction) => {
    if (next === stored) return stored
    // As every change of the configuration begins; nothing else is locked, so that nobody waits in a circle.
    const lock = database.engine === 'postgres' ? ' FOR UPDATE' : ''
    await select(database, `${revisionQuery(database)}${lock}`, [], transaction)
    const current = await read(channelId, transaction)
    if (current?.refreshToken !== stored.refreshToken) return current
    const sealed = cipher.encrypt(JSON.stringify(next), channelOauthPlace(channelId))
    await run(database, `UPDATE ${table} SET oauth = $1 WHERE id = $2`, [sealed, channelId], transaction)
    await bumpRevision(database, transaction, 'beside keys')
    return next
  }

  return {
    async renew(channelId, exchange) {
      let failure: { readonly error: unknown } | undefined
      const begin = async (transaction?: Transaction): Promise<Renewal | undefined> => {
        const stored = await read(channelId, transaction)
        if (stored === undefined) return undefined
        const next = await exchange(stored).catch((error: unknown) => {
          failure = { error }
          throw error
        })
        return { stored, next }
      }
      try {
        if (database.engine === 'sqlite') {
          // There is one process, whose other writes go on while an endpoint is asked.
          const renewal = await begin()
          return renewal && (await database.write((transaction) => write(channelId, renewal, transaction)))
        }
        return await database.write(async (transaction) => {
          const lock = "SELECT pg_advisory_xact_lock(hashtext('tollgate:oauth'), hashtext($1))"
          await select(database, lock, [`${database.schema ?? ''} ${channelId}`], transaction)
          const renewal = await begin(transaction)
          return renewal && write(channelId, renewal, transaction)
        })
      } catch (error) {
        throw failure?.error === error ? error : storeError('renew an account', error)
      }
    },
  }
}
