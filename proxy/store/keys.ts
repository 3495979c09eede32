import {
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  DataTypes,
  Op,
  type Transaction,
  UniqueConstraintError,
  type WhereOptions,
} from 'sequelize'
import type { Key, KeyFields, KeyFilter, KeyPage, KeyRecord, KeySummary, SecretMark } from '../domain/key.ts'
import { type Database, select, tableOf } from './database.ts'
import { storeError } from './engine-errors.ts'
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

class ApiKeyRow extends Model<InferAttributes<ApiKeyRow>, InferCreationAttributes<ApiKeyRow>> {
  declare id: string
  declare name: string
  declare hash: string
  declare prefix: string
  declare status: Key['status']
  declare is_admin: boolean
  declare model: string | null
  declare token_limit: number | null
  declare rpm: number | null
  declare expires_at: number | null
  declare allowed_endpoints: string | null
  declare created_at: number
  declare last_used_at: number | null
  declare lifetime_tokens: number
}

const { BIGINT, BOOLEAN, INTEGER, STRING, TEXT } = DataTypes

/** A class of its own for each store: a model belongs to the database that it was last given. */
function modelIn({ sequelize, schema }: Database): typeof ApiKeyRow {
  class ApiKeys extends ApiKeyRow {}
  return ApiKeys.init(
    {
      id: { type: STRING(26), primaryKey: true },
      name: STRING,
      hash: STRING,
      prefix: STRING,
      status: STRING,
      is_admin: BOOLEAN,
      model: STRING,
      token_limit: BIGINT,
      rpm: INTEGER,
      expires_at: BIGINT,
      allowed_endpoints: TEXT,
      created_at: BIGINT,
      last_used_at: BIGINT,
      lifetime_tokens: BIGINT,
    },
    { sequelize, tableName: 'api_keys', timestamps: false, ...(schema !== undefined && { schema }) },
  )
}

/** What the request path reads of keys. */
export function createKeyLookup(database: Database) {
  const ApiKeys = modelIn(database)
  const windows = tableOf(database, 'usage_windows')
  return {
    async findByHash(hash: string, usedSince: number): Promise<KeyRecord | undefined> {
      const row = await ApiKeys.findOne({ where: { hash } })
      if (!row) return undefined
      const minutes = await select<{ start: number; amount: number }>(
        database,
        `SELECT minute AS start, tokens AS amount FROM ${windows} WHERE key_id = $1 AND minute >= $2 ORDER BY minute`,
        [row.id, usedSince],
      )
      const usage = { lifetimeTokens: row.lifetime_tokens, lastUsedAt: row.last_used_at, minutes }
      return { ...toKey(row), hash: row.hash, usage }
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
  const change = (operation: string, work: (transaction: Transaction) => Promise<unknown>): Promise<void> =>
    told(operation, () =>
      database.write(async (transaction) => {
        await work(transaction)
        await bumpRevision(database, transaction)
      }),
    )

  const update = (id: string, fields: Partial<InferAttributes<ApiKeyRow>>): Promise<void> =>
    change('change a key', async (transaction) => {
      const where = { id, status: { [Op.ne]: 'revoked' } }
      const [count] = await ApiKeys.update(fields, { where, transaction }).catch((error: unknown) => {
        throw isTaken(error, 'hash') ? secretTaken(error) : error
      })
      if (count === 0) throw new NoLivingKey(`${id} is no key, or was revoked`)
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
        id,
        name: fields.name,
        hash,
        prefix,
        status: 'active',
        is_admin: fields.isAdmin,
        model: fields.model,
        token_limit: fields.tokenLimit,
        rpm: fields.rpm,
        expires_at: fields.expiresAt,
        allowed_endpoints: fields.allowedEndpoints && JSON.stringify(fields.allowedEndpoints),
        created_at: now,
        last_used_at: null,
        lifetime_tokens: 0,
      })
      await change('make a key', async (transaction) => {
        await row.save({ transaction }).catch((error: unknown) => {
          if (isTaken(error, 'name') || isTaken(error, 'id')) throw nameTaken(fields.name, error)
          throw isTaken(error, 'hash') ? secretTaken(error) : error
        })
        beforeCommit?.()
      })
      return toKey(row)
    },

    setStatus: (id, status) => update(id, { status }),
    rotate: (id, { hash, prefix }) => update(id, { hash, prefix }),
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

function toKey(row: ApiKeyRow): Key {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    status: row.status,
    isAdmin: row.is_admin,
    model: row.model,
    tokenLimit: row.token_limit,
    rpm: row.rpm,
    expiresAt: row.expires_at,
    // safe: written by create() above
    allowedEndpoints: row.allowed_endpoints === null ? null : (JSON.parse(row.allowed_endpoints) as string[]),
    createdAt: row.created_at,
  }
}

function toSummary(row: ApiKeyRow): KeySummary {
  return { ...toKey(row), lifetimeTokens: row.lifetime_tokens, lastUsedAt: row.last_used_at }
}
