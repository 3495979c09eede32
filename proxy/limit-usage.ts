import type { Key } from './domain/key.ts'
import type { LimitUses } from './domain/limit-use.ts'
import { type Tenant, tenantSubject } from './domain/tenant.ts'
import { limitUsesOf } from './limit/limit-uses.ts'
import { TOKEN_WINDOW } from './limit/spans.ts'
import type { KeyStore } from './store/keys.ts'

/** How the limits of keys and tenants stand, as the store knows it: of all replicas. */
export interface LimitUsage {
  /** Throws `StoreError`. */
  ofKey(key: Key, now: number): Promise<LimitUses>
  /** Likewise, by the id of each tenant. */
  ofTenants(tenants: readonly Tenant[], now: number): Promise<ReadonlyMap<string, LimitUses>>
}

/** Many months are read at once, and not all there are. */
const CHUNK = 50

export function createLimitUsage({ buckets }: Pick<KeyStore, 'buckets'>): LimitUsage {
  const since = (now: number): number => now - TOKEN_WINDOW.lengthMs - TOKEN_WINDOW.bucketMs
  return {
    async ofKey(key, now) {
      const { minutes, costs } = (await buckets([key.id], since(now)))(key.id)
      return limitUsesOf(key, { minutes, ...costs }, now)
    },
    async ofTenants(tenants, now) {
      const uses = new Map<string, LimitUses>()
      for (let at = 0; at < tenants.length; at += CHUNK) {
        const some = tenants.slice(at, at + CHUNK)
        const of = await buckets(
          some.map(({ id }) => tenantSubject(id)),
          since(now),
        )
        for (const tenant of some) {
          const { minutes, costs } = of(tenantSubject(tenant.id))
          uses.set(tenant.id, limitUsesOf({ ...tenant, rpm: null, tokenLimit: null }, { minutes, ...costs }, now))
        }
      }
      return uses
    },
  }
}
