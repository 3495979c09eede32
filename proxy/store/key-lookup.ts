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
  return {
    /** Of two keys, which only a program of an earlier schema can have given one secret, the one that has it now. */
    async findByHash(hash: string, usedSince: number): Promise<KeyRecord | undefined> {
      const where = { [Op.or]: [{ hash }, { previous_hash: hash }] }
      const rows = await ApiKeys.findAll({ where, include: 'tenant' })
      const row = rows.find((one) => one.hash === hash) ?? rows[0]
      if (row === undefined) return undefined
      const tenant = row.tenant_id === null ? undefined : tenantSubject(row.tenant_id)
      const of = await readBuckets(database, tenant === undefined ? [row.id] : [row.id, tenant], usedSince)
      const tenantCosts = tenant !== undefined && of(tenant).costs
      return { ...toStoredKey(row), usage: usageIn(row, of(row.id)), ...(tenantCosts && { tenantCosts }) }
    },

    async usageOf(id: string, usedSince: number): Promise<KeyUsage | undefined> {
      const row = await ApiKeys.findByPk(id)
      return row ? usageIn(row, (await readBuckets(database, [id], usedSince))(id)) : undefined
    },

    async hashesInUse(usedSince: number): Promise<readonly string[]> {
      const inUse = [{ is_admin: true }, { is_tenant_admin: true }, { last_used_at: { [Op.gte]: usedSince } }]
      const where = { status: 'active' as const, [Op.or]: inUse }
      const rows = await ApiKeys.findAll({
        attributes: ['hash'],
        where,
        order: [['last_used_at', 'DESC']],
        limit: MAX_IN_USE,
      })
      return rows.map(({ hash }) => hash)
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
