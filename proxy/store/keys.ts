import { type InferAttributes, Op, type Transaction, UniqueConstraintError, type WhereOptions } from 'sequelize'
import {
  type Key,
  type KeyFields,
  type KeyFilter,
  type KeyPage,
  type KeyRecord,
  type KeySummary,
  type KeyUsage,
  type SecretMark,
  UNLIMITED,
} from '../domain/key.ts'
import { type ApiKeyRow, columnsOf, modelIn, toKey, toSummary } from './api-key-row.ts'
import { type Database, select, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'
import { resetUsage } from './key-reset.ts'
import { bumpRevision } from './revision.ts'

/** What administrators do with keys. Every method throws `StoreError` besides what it names. */
export interface KeyStore {
  /** A key by its id alone: a key that merely has that name is another one. */
  findById(id: string): Promise<KeySummary | undefined>
  /** A key by its id, or by its name if it is not revoked. */
  find(idOrName: string): Promise<KeySummary | undefined>
  /** A page of the keys, oldest first, and how many there are in all. */
  list(filter: KeyFilter): Promise<KeyPage>
  /** Whether there is or ever was an admin key. */
  hasAdmin(): Promise<boolean>
  /**
   * Throws `NameTaken` or `SecretTaken`. `beforeCommit` is called when nothing but the commit can fail any more; what
   * it throws takes the key back.
   */
  create(id: string, fields: KeyFields, secret: SecretMark, now: number, beforeCommit?: () => void): Promise<Key>
  /** Changes what is named and nothing else. Throws `NoLivingKey`, or `NameTaken`. */
  change(id: string, fields: Partial<KeyFields>): Promise<void>
  /** Gives back what the key has used in its windows and budgets; its entries and statistics stay. Throws `NoLivingKey`. */
  reset(id: string, now: number): Promise<void>
  /** Throws `NoLivingKey`: revoking is final, whoever comes second. */
  setStatus(id: string, status: Key['status']): Promise<void>
  /** Throws `NoLivingKey`, or `SecretTaken`. */
  rotate(id: string, secret: SecretMark): Promise<void>
}

export class NameTaken extends Error {
  override readonly name = 'NameTaken'
}

/** Another key, perhaps a revoked one, has this secret. */
export class SecretTaken extends Error {
  override readonly name = 'SecretTaken'
}

/** There is no such key, or it was revoked. */
export class NoLivingKey extends Error {
  override readonly name = 'NoLivingKey'
}

/** The longest month, and an hour that has only begun to leave. */
const MONTH_MS = 31 * 86_400_000

/** What the request path reads of keys. */
export function createKeyLookup(database: Database) {
  const ApiKeys = modelIn(database)
  const usages = tableOf(database, 'limit_usage') // what was given back is not in it any more
  const usageOf = async (row: ApiKeyRow, usedSince: number): Promise<KeyUsage> => {
    const buckets = await select<KeyUsage['minutes'][number] & { readonly unit: string }>(
      database,
      `SELECT unit, start, CAST(sum(amount) AS BIGINT) AS amount FROM ${usages}
       WHERE subject = $1 AND ((unit IN ('tokens', 'usd_minute') AND start >= $2) OR (unit = 'usd_hour' AND start >= $3))
       GROUP BY unit, start HAVING sum(amount) <> 0 ORDER BY start`,
      [row.id, usedSince, usedSince - MONTH_MS],
    )
    const of = (wanted: string): KeyUsage['minutes'] =>
      buckets.flatMap(({ unit, start, amount }) => (unit === wanted ? [{ start, amount }] : []))
    const costHours = of('usd_hour')
    return {
      lifetimeTokens: row.lifetime_tokens,
      lastUsedAt: row.last_used_at,
      minutes: of('tokens'),
      ...(costHours.length > 0 && { costHours, costMinutes: of('usd_minute') }),
    }
  }
  return {
    async findByHash(hash: string, usedSince: number): Promise<KeyRecord | undefined> {
      const row = await ApiKeys.findOne({ where: { hash } })
      return row ? { ...toKey(row), hash: row.hash, usage: await usageOf(row, usedSince) } : undefined
    },

    async usageOf(id: string, usedSince: number): Promise<KeyUsage | undefined> {
      const row = await ApiKeys.findByPk(id)
      return row ? usageOf(row, usedSince) : undefined
    },

    async findByIds(ids: readonly string[]) {
      const rows = await ApiKeys.findAll({ where: { id: { [Op.in]: [...ids] } } })
      return rows.map((row) => ({ ...toKey(row), hash: row.hash }))
    },
  }
}

export function createKeyStore(database: Database): KeyStore {
  const ApiKeys = modelIn(database)

  /** Every change of a key is told to the running proxies in the same transaction. */
  const telling = (operation: string, work: (transaction: Transaction) => Promise<unknown>): Promise<void> =>
    told(operation, () =>
      database.write(async (transaction) => {
        await work(transaction)
        await bumpRevision(database, transaction)
      }),
    )

  const changing = (id: string, change: (row: ApiKeyRow, transaction: Transaction) => Promise<unknown>) =>
    telling('change a key', async (transaction) => {
      const row = await ApiKeys.findOne({ where: { id, status: { [Op.ne]: 'revoked' } }, lock: true, transaction })
      if (!row) throw new NoLivingKey(`${id} is no key, or was revoked`)
      await change(row, transaction)
    })

  return {
    async findById(id) {
      const row = await told('find a key', () => ApiKeys.findByPk(id))
      return row ? toSummary(row) : undefined
    },

    async find(idOrName) {
      const byName = { name: idOrName, status: { [Op.ne]: 'revoked' } }
      const row = await told(
        'find a key',
        async () => (await ApiKeys.findByPk(idOrName)) ?? (await ApiKeys.findOne({ where: byName })),
      )
      return row ? toSummary(row) : undefined
    },

    async list(filter) {
      const { limit, offset } = filter
      const page = { where: whereOf(filter), order: ['id'], limit, offset }
      const { rows, count } = await told('list keys', () => ApiKeys.findAndCountAll(page))
      return { keys: rows.map(toSummary), total: count }
    },

    hasAdmin: async () => (await told('find an admin key', () => ApiKeys.count({ where: { is_admin: true } }))) > 0,

    async create(id, fields, { hash, prefix }, now, beforeCommit) {
      const row = ApiKeys.build({
        ...columnsOf({ ...UNLIMITED, ...fields }),
        id,
        hash,
        prefix,
        status: 'active',
        reset_at: null,
        created_at: now,
        last_used_at: null,
        lifetime_tokens: 0,
      })
      await telling('make a key', async (transaction) => {
        await row.save({ transaction }).catch((error: unknown) => {
          if (isTaken(error, 'name') || isTaken(error, 'id')) throw nameTaken(fields.name, error)
          throw isTaken(error, 'hash') ? secretTaken(error) : error
        })
        beforeCommit?.()
      })
      return toKey(row)
    },

    change: (id, fields) =>
      changing(id, (row, transaction) => {
        const columns = columnsOf({ ...toKey(row), ...fields })
        return row.update(columns, { transaction }).catch((error: unknown) => {
          throw isTaken(error, 'name') ? nameTaken(columns.name, error) : error
        })
      }),

    reset: (id, now) =>
      changing(id, async (row, transaction) => {
        await row.update({ reset_at: now }, { transaction })
        await resetUsage(database, transaction, id)
      }),

    setStatus: (id, status) => changing(id, (row, transaction) => row.update({ status }, { transaction })),

    rotate: (id, { hash, prefix }) =>
      changing(id, (row, transaction) =>
        row.update({ hash, prefix }, { transaction }).catch((error: unknown) => {
          throw isTaken(error, 'hash') ? secretTaken(error) : error
        }),
      ),
  }
}

function whereOf({ model, state, now }: KeyFilter): WhereOptions<InferAttributes<ApiKeyRow>> {
  const isInTime = { [Op.or]: [{ [Op.eq]: null }, { [Op.gt]: now }] }
  return {
    ...(model !== undefined && { model }),
    ...(state === 'active' && { status: 'active', expires_at: isInTime }),
    ...(state === 'expired' && { expires_at: { [Op.lte]: now } }),
  }
}

function isTaken(error: unknown, column: 'id' | 'name' | 'hash'): boolean {
  return error instanceof UniqueConstraintError && error.errors.some(({ path }) => path === column)
}

/** Errors of an engine as `StoreError`; what a caller can do something about stays what it is. */
async function told<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isOwn = error instanceof NameTaken || error instanceof SecretTaken || error instanceof NoLivingKey
    throw isOwn ? error : storeError(operation, error)
  }
}

function nameTaken(name: string, cause: unknown): NameTaken {
  return new NameTaken(`a key named ${name} exists`, { cause })
}

function secretTaken(cause: unknown): SecretTaken {
  return new SecretTaken('another key has this secret', { cause })
}
