import { Op } from 'sequelize'
import type { KeyRecord, KeyUsage, StoredKey } from '../domain/key.ts'
import { type ApiKeyRow, modelIn, toStoredKey } from './api-key-row.ts'
import { type Database, select, tableOf } from './database.ts'

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
    /** Of two keys, which only a program of an earlier schema can have given one secret, the one that has it now. */
    async findByHash(hash: string, usedSince: number): Promise<KeyRecord | undefined> {
      const where = { [Op.or]: [{ hash }, { previous_hash: hash }] }
      const rows = await ApiKeys.findAll({ where, include: 'tenant' })
      const row = rows.find((one) => one.hash === hash) ?? rows[0]
      return row && { ...toStoredKey(row), usage: await usageOf(row, usedSince) }
    },

    async usageOf(id: string, usedSince: number): Promise<KeyUsage | undefined> {
      const row = await ApiKeys.findByPk(id)
      return row ? usageOf(row, usedSince) : undefined
    },

    async findByIds(ids: readonly string[]): Promise<readonly StoredKey[]> {
      const rows = await ApiKeys.findAll({ where: { id: { [Op.in]: [...ids] } }, include: 'tenant' })
      return rows.map(toStoredKey)
    },
  }
}
