import { Op } from 'sequelize'
import type { KeyRecord, KeyUsage, StoredKey } from '../domain/key.ts'
import { tenantSubject } from '../domain/tenant.ts'
import { type ApiKeyRow, modelIn, toStoredKey } from './api-key-row.ts'
import type { Database } from './database.ts'
import { type Buckets, readBuckets } from './limit-buckets.ts'

const KEYS_AT_ONCE = 250
/** A start is not to wait for more. */
const MAX_IN_USE = 1000

/** What the request path reads of keys. */
export function createKeyLookup(database: Database) {
  const ApiKeys = modelIn(database)
  const usageIn = (row: ApiKeyRow, { minutes, costs }: Buckets): KeyUsage => ({
    lifetimeTokens: row.lifetime_tokens,
    lastUsedAt: row.last_used_at,
    minutes,
    ...costs,
  })
  const recordsOf = async (rows: readonly ApiKeyRow[], usedSince: number): Promise<readonly KeyRecord[]> => {
    const tenants = new Set(rows.flatMap(({ tenant_id: id }) => (id === null ? [] : [tenantSubject(id)])))
    const of = await readBuckets(database, [...rows.map(({ id }) => id), ...tenants], usedSince)
    return rows.map((row) => {
      const tenantCosts = row.tenant_id !== null && of(tenantSubject(row.tenant_id)).costs
      return { ...toStoredKey(row), usage: usageIn(row, of(row.id)), ...(tenantCosts && { tenantCosts }) }
    })
  }
  return {
    /** Of two keys, which only a program of an earlier schema can have given one secret, the one that has it now. */
    async findByHash(hash: string, usedSince: number): Promise<KeyRecord | undefined> {
      const where = { [Op.or]: [{ hash }, { previous_hash: hash }] }
      const rows = await ApiKeys.findAll({ where, include: 'tenant' })
      const row = rows.find((one) => one.hash === hash) ?? rows[0]
      return row && (await recordsOf([row], usedSince))[0]
    },

    async usageOf(id: string, usedSince: number): Promise<KeyUsage | undefined> {
      const row = await ApiKeys.findByPk(id)
      return row ? usageIn(row, (await readBuckets(database, [id], usedSince))(id)) : undefined
    },

    async findInUse(lastUsedSince: number, usedSince: number): Promise<readonly KeyRecord[]> {
      const inUse = [{ is_admin: true }, { is_tenant_admin: true }, { last_used_at: { [Op.gte]: lastUsedSince } }]
      const where = { status: 'active' as const, [Op.or]: inUse }
      const rows = await ApiKeys.findAll({
        where,
        include: 'tenant',
        order: [['last_used_at', 'DESC']],
        limit: MAX_IN_USE,
      })
      const keys: KeyRecord[] = []
      for (let at = 0; at < rows.length; at += KEYS_AT_ONCE) {
        keys.push(...(await recordsOf(rows.slice(at, at + KEYS_AT_ONCE), usedSince)))
      }
      return keys
    },

    async findByIds(ids: readonly string[]): Promise<readonly StoredKey[]> {
      const keys: StoredKey[] = []
      // Thousands of rows at once would hold up every call meanwhile.
      for (let at = 0; at < ids.length; at += KEYS_AT_ONCE) {
        const some = ids.slice(at, at + KEYS_AT_ONCE)
        const rows = await ApiKeys.findAll({ where: { id: { [Op.in]: some } }, include: 'tenant' })
        keys.push(...rows.map(toStoredKey))
      }
      return keys
    },
  }
}
