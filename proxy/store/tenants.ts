import { Op, type Transaction } from 'sequelize'
import { NoSuchTenant, TenantInUse, TenantNameTaken } from '../domain/key-refusal.ts'
import { PLAIN_TENANT, type Tenant, type TenantFields, tenantSubject } from '../domain/tenant.ts'
import { changeConfig, isTaken, told } from './config-change.ts'
import { type Database, select, tableOf } from './database.ts'
import { resetUsage } from './key-reset.ts'
import { tenantColumnsOf, tenantModelIn, type TenantRow, toTenant } from './tenant-row.ts'

/**
 * What administrators do with tenants. Every method throws `StoreError` besides what it names, and a write
 * `RevisionConflict` where there was another one since the revision that it expects.
 */
export interface TenantStore {
  /** All of them, oldest first. */
  list(): Promise<readonly Tenant[]>
  /** A tenant by its id, or by its name. */
  find(idOrName: string): Promise<Tenant | undefined>
  /** Throws `TenantNameTaken`. */
  create(id: string, fields: TenantFields, now: number, expectedRevision?: string): Promise<Tenant>
  /** Changes what is named and nothing else. Throws `NoSuchTenant` or `TenantNameTaken`. */
  update(id: string, changes: Partial<TenantFields>, now?: number, expectedRevision?: string): Promise<void>
  /** Gives back what its keys have used of its budgets, and not of their own. Throws `NoSuchTenant`. */
  reset(id: string, now?: number, expectedRevision?: string): Promise<void>
  /** Throws `NoSuchTenant`, or `TenantInUse` while any key is its own, even a revoked one. */
  remove(id: string, expectedRevision?: string): Promise<void>
}

export function createTenantStore(database: Database): TenantStore {
  const Tenants = tenantModelIn(database)
  const living = async (id: string, transaction: Transaction): Promise<TenantRow> => {
    const row = await Tenants.findByPk(id, { transaction })
    if (!row) throw noSuchTenant(id)
    return row
  }

  return {
    list: async () => (await told('list tenants', Tenants.findAll({ order: ['id'] }))).map(toTenant),

    async find(idOrName) {
      const where = { [Op.or]: [{ id: idOrName }, { name: idOrName }] }
      const rows = await told('find a tenant', Tenants.findAll({ where }))
      const row = rows.find(({ id }) => id === idOrName) ?? rows[0]
      return row && toTenant(row)
    },

    create: (id, fields, now, expectedRevision) =>
      changeConfig(database, 'make a tenant', expectedRevision, async (transaction) => {
        const columns = tenantColumnsOf({ ...PLAIN_TENANT, ...fields })
        const making = Tenants.create(
          { ...columns, id, reset_at: null, created_at: now, updated_at: now },
          { transaction },
        )
        return toTenant(await making.catch(nameTaken(fields.name)))
      }),

    update: (id, changes, now = Date.now(), expectedRevision) =>
      changeConfig(database, 'change a tenant', expectedRevision, async (transaction) => {
        const row = await living(id, transaction)
        const fields = { ...toTenant(row), ...changes }
        const changing = row.update({ ...tenantColumnsOf(fields), updated_at: now }, { transaction })
        await changing.catch(nameTaken(fields.name))
      }),

    reset: (id, now = Date.now(), expectedRevision) =>
      changeConfig(database, 'reset a tenant', expectedRevision, async (transaction) => {
        const row = await living(id, transaction)
        await resetUsage(database, transaction, tenantSubject(id))
        await row.update({ reset_at: now, updated_at: now }, { transaction })
      }),

    remove: (id, expectedRevision) =>
      changeConfig(database, 'remove a tenant', expectedRevision, async (transaction) => {
        // A key that is being made for it waits for this one, or is there.
        const keys = `SELECT id FROM ${tableOf(database, 'api_keys')} WHERE tenant_id = $1 LIMIT 1`
        if ((await select(database, keys, [id], transaction)).length > 0) throw new TenantInUse(`${id} has keys`)
        if ((await Tenants.destroy({ where: { id }, transaction })) === 0) throw noSuchTenant(id)
      }),
  }
}

function noSuchTenant(id: string): NoSuchTenant {
  return new NoSuchTenant(`${id} is no tenant`)
}

function nameTaken(name: string): (error: unknown) => never {
  return (error) => {
    throw isTaken(error, 'name') ? new TenantNameTaken(`a tenant named ${name} exists`, { cause: error }) : error
  }
}
