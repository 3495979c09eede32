import { difference } from './admin/difference.ts'
import type { TellChange } from './desk-operations.ts'
import { keyJson, tenantJson } from './domain/key-json.ts'
import { priceJson } from './domain/price-json.ts'
import type { KeyStore } from './store/keys.ts'
import type { PriceStore } from './store/prices.ts'
import type { TenantStore } from './store/tenants.ts'

/** The store with its changes told, by the names of the admin API's operations. */
export function toldKeys(keys: KeyStore, tell: TellChange): KeyStore {
  const changing = tellingOf(tell, async (id) => {
    const key = await keys.findById(id)
    return key && keyJson(key)
  })
  return {
    ...keys,
    tenants: toldTenants(keys.tenants, tell),
    async create(id, ...how) {
      const made = await keys.create(id, ...how)
      await tell('createKey', { target: id, after: keyJson(made) })
      return made
    },
    update: (id, ...how) => changing('updateKey', id, () => keys.update(id, ...how)),
    reset: (id, ...how) => changing('resetKey', id, () => keys.reset(id, ...how)),
    setStatus: (id, status, ...how) => changing(statusOperations[status], id, () => keys.setStatus(id, status, ...how)),
    rotate: (id, ...how) => changing('rotateKey', id, () => keys.rotate(id, ...how)),
  }
}

const statusOperations = { active: 'enableKey', disabled: 'disableKey', revoked: 'revokeKey' } as const

function toldTenants(tenants: TenantStore, tell: TellChange): TenantStore {
  const changing = tellingOf(tell, async (id) => {
    const tenant = await tenants.find(id)
    return tenant && tenantJson(tenant)
  })
  return {
    ...tenants,
    async create(id, ...how) {
      const made = await tenants.create(id, ...how)
      await tell('createTenant', { target: id, after: tenantJson(made) })
      return made
    },
    update: (id, ...how) => changing('updateTenant', id, () => tenants.update(id, ...how)),
    reset: (id, ...how) => changing('resetTenant', id, () => tenants.reset(id, ...how)),
    remove: (id, ...how) => changing('deleteTenant', id, () => tenants.remove(id, ...how)),
  }
}

/** Likewise. */
export function toldPrices(prices: PriceStore, tell: TellChange): PriceStore {
  const viewOf = async (model: string): Promise<object | undefined> => {
    const price = (await prices.list()).get(model)
    return price && priceJson(price)
  }
  const changing = tellingOf(tell, viewOf)
  return {
    ...prices,
    set: (model, ...how) => changing('setPrice', model, () => prices.set(model, ...how)),
    async remove(model, ...how) {
      const before = await viewOf(model)
      const isRemoved = await prices.remove(model, ...how)
      if (isRemoved) await tell('deletePrice', { target: model, ...(before && { before }) })
      return isRemoved
    },
    async loadDefaults(which, isDryRun) {
      const loaded = await prices.loadDefaults(which, isDryRun)
      if (!isDryRun && loaded.added.length + loaded.replaced.length > 0)
        await tell('loadDefaultPrices', { target: loaded.version, after: loaded })
      return loaded
    },
  }
}

/** Tells a change by what it made different; of what was not there before or is not afterwards, what there was. */
function tellingOf(tell: TellChange, viewOf: (target: string) => Promise<object | undefined>) {
  return async (operation: string, target: string, change: () => Promise<void>): Promise<void> => {
    const before = await viewOf(target)
    await change()
    const after = await viewOf(target)
    const isChange = before !== undefined && after !== undefined
    await tell(operation, {
      target,
      ...(isChange ? difference(before, after) : { ...(before && { before }), ...(after && { after }) }),
    })
  }
}
