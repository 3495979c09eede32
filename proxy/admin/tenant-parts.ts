import type { Key } from '../domain/key.ts'
import type { LimitUses } from '../domain/limit-use.ts'
import type { Tenant, TenantFields } from '../domain/tenant.ts'

export interface TenantParts {
  readonly limitUsage: {
    ofKey(key: Key, now: number): Promise<LimitUses>
    /** By the ids of the tenants. */
    ofTenants(tenants: readonly Tenant[], now: number): Promise<ReadonlyMap<string, LimitUses>>
  }
  readonly tenants: {
    list(): Promise<readonly Tenant[]>
    find(idOrName: string): Promise<Tenant | undefined>
    create(id: string, fields: TenantFields, now: number, expectedRevision: string | undefined): Promise<Tenant>
    update(id: string, changes: Partial<TenantFields>, now: number, expectedRevision: string | undefined): Promise<void>
    reset(id: string, now: number, expectedRevision: string | undefined): Promise<void>
    remove(id: string, expectedRevision: string | undefined): Promise<void>
  }
}
