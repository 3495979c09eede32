import { col, fn, type InferAttributes, Op, where, type WhereOptions } from 'sequelize'
import type { KeyFilter, KeyPage, KeySummary } from '../domain/key.ts'
import { type ApiKeyRow, modelIn, toSummary } from './api-key-row.ts'
import { told } from './config-change.ts'
import type { Database } from './database.ts'

/** What administrators see of keys. Every method throws `StoreError`. */
export interface KeyReads {
  /** A key by its id alone: a key that merely has that name is another one. */
  findById(id: string): Promise<KeySummary | undefined>
  /** A key by its id, or by its name if it is not revoked. */
  find(idOrName: string): Promise<KeySummary | undefined>
  /** A page of the keys, oldest first, and how many there are in all. */
  list(filter: KeyFilter): Promise<KeyPage>
  /** Whether there is or ever was an admin key. */
  hasAdmin(): Promise<boolean>
}

export function createKeyReads(database: Database): KeyReads {
  const ApiKeys = modelIn(database)
  const find = async (work: () => Promise<ApiKeyRow | null>): Promise<KeySummary | undefined> => {
    const row = await told('find a key', work())
    return row ? toSummary(row) : undefined
  }
  return {
    findById: (id) => find(() => ApiKeys.findByPk(id, { include: 'tenant' })),

    find(idOrName) {
      const byName = { name: idOrName, status: { [Op.ne]: 'revoked' } }
      return find(
        async () =>
          (await ApiKeys.findByPk(idOrName, { include: 'tenant' })) ??
          (await ApiKeys.findOne({ where: byName, include: 'tenant' })),
      )
    },

    async list(filter) {
      const { limit, offset } = filter
      const page = { where: whereOf(database, filter), include: 'tenant', order: ['id'], limit, offset }
      const { rows, count } = await told('list keys', ApiKeys.findAndCountAll(page))
      return { keys: rows.map(toSummary), total: count }
    },

    hasAdmin: async () => (await told('find an admin key', ApiKeys.count({ where: { is_admin: true } }))) > 0,
  }
}

function whereOf(
  { engine }: Database,
  { model, state, now, tenantId, search }: KeyFilter,
): WhereOptions<InferAttributes<ApiKeyRow>> {
  const isInTime = { [Op.or]: [{ [Op.eq]: null }, { [Op.gt]: now }] }
  const place = engine === 'sqlite' ? 'instr' : 'strpos' // LIKE would give characters of the search a meaning
  const lower = (name: unknown): ReturnType<typeof fn> => fn('lower', name)
  return {
    ...(model !== undefined && { model }),
    ...(state !== undefined && state !== 'expired' && { status: state }),
    ...(state === 'active' && { expires_at: isInTime }),
    ...(state === 'expired' && { expires_at: { [Op.lte]: now } }),
    ...(tenantId !== undefined && { tenant_id: tenantId }),
    ...(search !== undefined && {
      [Op.and]: where(fn(place, lower(col('ApiKeys.name')), lower(search)), { [Op.gt]: 0 }),
    }),
  }
}
