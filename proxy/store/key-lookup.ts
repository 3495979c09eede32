import { Op } from 'sequelize'
import type { KeyRecord, KeyUsage, StoredKey } from '../domain/key.ts'
import { tenantSubject } from '../domain/tenant.ts'
import { type ApiKeyRow, modelIn, toStoredKey } from './api-key-row.ts'
import { type Database, select, tableOf } from './database.ts'

/** The longest month, and an hour that has only begun to leave. */
const MONTH_MS = 31 * 86_400_000
const KEYS_AT_ONCE = 250

type Bucket = KeyUsage['minutes'][number]

/** What is counted of one subject. */
interface Buckets {
  readonly minutes: readonly Bucket[]
  /** False where nothing had a price. */
  readonly costs: false | Required<Pick<KeyUsage, 'costMinutes' | 'costHours'>>
}

/** What the request path reads of keys. */
export function createKeyLookup(database: Database) {
  const ApiKeys = modelIn(database)
  const usages = tableOf(database, 'limit_usage') // what was given back is not in it any more
  const bucketsOf = async (subjects: readonly string[], usedSince: number): Promise<(subject: string) => Buckets> => {
    const places = subjects.map((_, at) => `$${at + 3}`).join(', ')
    const buckets = await select<Bucket & { readonly subject: string; readonly unit: string }>(
      database,
      `SELECT subject, unit, start, CAST(sum(amount) AS BIGINT) AS amount FROM ${usages}
       WHERE subject IN (${places})
         AND ((unit IN ('tokens', 'usd_minute') AND start >= $1) OR (unit = 'usd_hour' AND start >= $2))
       GROUP BY subject, unit, start HAVING sum(amount) <> 0 ORDER BY start`,
      [usedSince, usedSince - MONTH_MS, ...subjects],
    )
    return (subject) => {
      const of = (wanted: string): readonly Bucket[] =>
        buckets.flatMap(({ unit, start, amount, ...bucket }) =>
          bucket.subject === subject && unit === wanted ? [{ start, amount }] : [],
        )
      const costHours = of('usd_hour')
      return { minutes: of('tokens'), costs: costHours.length > 0 && { costHours, costMinutes: of('usd_minute') } }
    }
  }
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
      const of = await bucketsOf(tenant === undefined ? [row.id] : [row.id, tenant], usedSince)
      const tenantCosts = tenant !== undefined && of(tenant).costs
      return { ...toStoredKey(row), usage: usageIn(row, of(row.id)), ...(tenantCosts && { tenantCosts }) }
    },

    async usageOf(id: string, usedSince: number): Promise<KeyUsage | undefined> {
      const row = await ApiKeys.findByPk(id)
      return row ? usageIn(row, (await bucketsOf([id], usedSince))(id)) : undefined
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
