import {
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  DataTypes,
  Op,
  QueryTypes,
  type Transaction,
  UniqueConstraintError,
} from 'sequelize'
import type { Key, KeyFields, KeyRecord, KeyUsage, SecretMark } from '../domain/key.ts'
import type { Database } from './database.ts'
import { bumpRevision } from './revision.ts'

export type KeySummary = Key & Pick<KeyUsage, 'lifetimeTokens' | 'lastUsedAt'>

export interface KeyStore {
  /** The key with this hash and what it has used since `usedSince`, or undefined. */
  findByHash(hash: string, usedSince: number): Promise<KeyRecord | undefined>
  /** Those of the given ids that still exist, as they are now. */
  findByIds(ids: readonly string[]): Promise<readonly (Key & { readonly hash: string })[]>
  /** A key by its id alone: a key that merely has that name is another one. */
  findById(id: string): Promise<KeySummary | undefined>
  /** A key by its id, or by its name if it is not revoked. */
  find(idOrName: string): Promise<KeySummary | undefined>
  list(): Promise<readonly KeySummary[]>
  /** Whether there is or ever was an admin key. */
  hasAdmin(): Promise<boolean>
  /** Throws `NameTaken` or `SecretTaken`. */
  create(id: string, fields: KeyFields, secret: SecretMark, now: number): Promise<Key>
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
function modelIn({ sequelize }: Database): typeof ApiKeyRow {
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
    { sequelize, tableName: 'api_keys', timestamps: false },
  )
}

export function createKeyStore(database: Database): KeyStore {
  const ApiKeys = modelIn(database)

  /** Every change of a key is told to the running proxies in the same transaction. */
  const change = (work: (transaction: Transaction) => Promise<unknown>): Promise<void> =>
    database.write(async (transaction) => {
      await work(transaction)
      await bumpRevision(database, transaction)
    })

  const update = (id: string, fields: Partial<InferAttributes<ApiKeyRow>>): Promise<void> =>
    change(async (transaction) => {
      const [count] = await ApiKeys.update(fields, { where: { id, status: { [Op.ne]: 'revoked' } }, transaction })
      if (count === 0) throw new NoLivingKey(`${id} is no key, or was revoked`)
    })

  return {
    async findByHash(hash, usedSince) {
      const row = await ApiKeys.findOne({ where: { hash } })
      if (!row) return undefined
      const minutes = await database.sequelize.query<{ start: number; amount: number }>(
        'SELECT minute AS start, tokens AS amount FROM usage_windows WHERE key_id = $1 AND minute >= $2 ORDER BY minute',
        { bind: [row.id, usedSince], type: QueryTypes.SELECT },
      )
      const usage = { lifetimeTokens: row.lifetime_tokens, lastUsedAt: row.last_used_at, minutes }
      return { ...toKey(row), hash: row.hash, usage }
    },

    async findByIds(ids) {
      const rows = await ApiKeys.findAll({ where: { id: { [Op.in]: [...ids] } } })
      return rows.map((row) => ({ ...toKey(row), hash: row.hash }))
    },

    async findById(id) {
      const row = await ApiKeys.findByPk(id)
      return row ? toSummary(row) : undefined
    },

    async find(idOrName) {
      const byName = { name: idOrName, status: { [Op.ne]: 'revoked' } }
      const row = (await ApiKeys.findByPk(idOrName)) ?? (await ApiKeys.findOne({ where: byName }))
      return row ? toSummary(row) : undefined
    },

    async list() {
      return (await ApiKeys.findAll({ order: ['id'] })).map(toSummary)
    },

    hasAdmin: async () => (await ApiKeys.count({ where: { is_admin: true } })) > 0,

    async create(id, fields, { hash, prefix }, now) {
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
      try {
        await change((transaction) => row.save({ transaction }))
      } catch (error) {
        if (isTaken(error, 'name')) throw new NameTaken(`a key named ${fields.name} exists`, { cause: error })
        throw isTaken(error, 'hash') ? secretTaken(error) : error
      }
      return toKey(row)
    },

    setStatus: (id, status) => update(id, { status }),
    async rotate(id, { hash, prefix }) {
      await update(id, { hash, prefix }).catch((error: unknown) => {
        throw isTaken(error, 'hash') ? secretTaken(error) : error
      })
    },
  }
}

function isTaken(error: unknown, column: 'name' | 'hash'): boolean {
  return error instanceof UniqueConstraintError && error.errors.some(({ path }) => path === column)
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
