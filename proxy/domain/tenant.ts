/** A team or a customer: keys, their usage and their logs belong to it. */
export interface Tenant {
  readonly id: string
  /** Unique. */
  readonly name: string
  /** For people. */
  readonly description: string
  /** `disabled` refuses all its keys. */
  readonly status: 'active' | 'disabled'
  /** Of all its keys together, as those of a key: nano-USD, null is no limit. */
  readonly budget5h: number | null
  readonly budgetDay: number | null
  readonly budgetMonth: number | null
  readonly budgetIsCalendar: boolean
  /** When an administrator last gave back what it had used; null if never. */
  readonly resetAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** What an administrator may say of a tenant besides its name, as it is where nothing is said. */
export const PLAIN_TENANT = {
  description: '',
  status: 'active',
  budget5h: null,
  budgetDay: null,
  budgetMonth: null,
  budgetIsCalendar: false,
} as const satisfies Partial<Tenant>

/** What an administrator may say of a tenant. */
export type TenantFields = Pick<Tenant, 'name'> & Partial<Pick<Tenant, keyof typeof PLAIN_TENANT>>

/** Where limits are counted by subject, an id is that of a key, and a tenant's has this before it. */
export const TENANT_PREFIX = 'tenant:'

export function tenantSubject(id: string): string {
  return TENANT_PREFIX + id
}
