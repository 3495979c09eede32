import type { Transaction } from 'sequelize'
import type { Pool } from '../domain/channel.ts'
import { AliasTaken } from '../domain/config-refusal.ts'
import { changeBesideKeys, isTaken, told } from './config-change.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { insertRows } from './insert-rows.ts'

/** A name of a model that a dashboard offers. */
interface ModelAlias {
  readonly value: string
  readonly description: string
}

type ModelAliasLists = Readonly<Partial<Record<Pool, readonly ModelAlias[]>>>

/** What a client id is called for people. */
interface UserAlias {
  readonly userId: string
  readonly alias: string
}

/** Names for people. Every method throws `StoreError`, and `RevisionConflict` where a revision is expected. */
export interface AliasStore {
  /** By pools, each in its order. */
  listModels(): Promise<readonly (ModelAlias & { readonly pool: Pool })[]>
  /** In place of all that these pools had, in this order; of two with the same value the first counts. */
  replaceModels(lists: ModelAliasLists, expectedRevision?: string): Promise<void>
  /** By user. */
  listUsers(): Promise<readonly UserAlias[]>
  /** In place of the one that the user had. Throws `AliasTaken`. */
  putUser(alias: UserAlias, expectedRevision?: string): Promise<void>
  /** Answers whether the user had one. */
  removeUser(userId: string, expectedRevision?: string): Promise<boolean>
  /** All or none; of two for the same user the last counts. Answers how many. Throws `AliasTaken`. */
  importUsers(aliases: readonly UserAlias[], expectedRevision?: string): Promise<number>
}

export function createAliasStore(database: Database): AliasStore {
  const models = tableOf(database, 'model_aliases')
  const users = tableOf(database, 'user_aliases')

  /** The old ones go first, all of them: two users may change their aliases with one another. */
  const putUsers = async (aliases: readonly UserAlias[], transaction: Transaction): Promise<number> => {
    const byUser = new Map(aliases.map(({ userId, alias }) => [userId, { user_id: userId, alias }]))
    for (const userId of byUser.keys()) {
      await run(database, `DELETE FROM ${users} WHERE user_id = $1`, [userId], transaction)
    }
    await insertRows(database, 'user_aliases', [...byUser.values()], transaction).catch((cause: unknown) => {
      throw isTaken(cause, 'alias') ? new AliasTaken('another user has this alias', { cause }) : cause
    })
    return byUser.size
  }

  return {
    listModels: () =>
      told(
        'list the aliases of models',
        select(database, `SELECT pool, value, description FROM ${models} ORDER BY pool, position`),
      ),

    replaceModels: (lists, expectedRevision) =>
      changeBesideKeys(database, 'replace the aliases of models', expectedRevision, async (transaction) => {
        for (const [pool, aliases] of Object.entries(lists)) {
          await run(database, `DELETE FROM ${models} WHERE pool = $1`, [pool], transaction)
          const isFirst = ({ value }: ModelAlias, place: number): boolean =>
            aliases.findIndex((other) => other.value === value) === place
          const rows = aliases
            .filter(isFirst)
            .map(({ value, description }, place) => ({ pool, value, description, position: place + 1 }))
          await insertRows(database, 'model_aliases', rows, transaction)
        }
      }),

    async listUsers() {
      const rows = await told(
        'list the aliases of users',
        select<UserAlias>(database, `SELECT user_id AS "userId", alias FROM ${users}`),
      )
      return rows.toSorted((one, other) => (one.userId < other.userId ? -1 : 1)) // engines sort texts each in its way
    },

    putUser: (alias, expectedRevision) =>
      changeBesideKeys(database, 'set the alias of a user', expectedRevision, async (transaction) => {
        await putUsers([alias], transaction)
      }),

    removeUser: (userId, expectedRevision) =>
      changeBesideKeys(database, 'remove the alias of a user', expectedRevision, async (transaction) => {
        const removed = `DELETE FROM ${users} WHERE user_id = $1 RETURNING user_id`
        return (await select(database, removed, [userId], transaction)).length > 0
      }),

    importUsers: (aliases, expectedRevision) =>
      changeBesideKeys(database, 'import aliases of users', expectedRevision, (transaction) =>
        putUsers(aliases, transaction),
      ),
  }
}
