import { z } from 'zod'
import { GatewayError } from '../domain/errors.ts'
import { tenantJson } from '../domain/key-json.ts'
import type { Actor } from '../domain/operation.ts'
import type { Tenant, TenantFields } from '../domain/tenant.ts'
import { ulid } from '../domain/ulid.ts'
import { difference } from './difference.ts'
import { given } from './given.ts'
import { budgetFields, budgetsOf, shownBudgets } from './key-budgets.ts'
import { name, recordId } from './key-schema.ts'
import { budgetUses, shownBudgetUses } from './limit-use-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { done, instant, line } from './schemas.ts'
import type { TenantParts } from './tenant-parts.ts'

const described = { tag: 'Tenants', access: 'admin', hasRevision: true } as const
export const tenantParams = z.strictObject({ id: recordId.describe('The id of a tenant') })

/** What can be said of a tenant. */
export const tenantFields = z.strictObject({
  name: name.describe('No two tenants share a name'),
  description: line(1000),
  status: z.enum(['active', 'disabled']).describe('disabled refuses all its keys'),
  ...budgetFields,
})
const changes = tenantFields.partial()

const shownTenant = z.strictObject({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  status: z.enum(['active', 'disabled']),
  ...shownBudgets,
  createdAt: instant,
  updatedAt: instant,
  resetAt: instant.nullable().describe('When it was last given back what its keys had used of its budgets'),
})

/** Making, reading, changing and removing tenants. */
export function tenantOperations(parts: TenantParts): readonly DocumentedOperation[] {
  return [listing(parts), reading(parts), creating(parts), updating(parts), resetting(parts), removing(parts)]
}

function listing({ tenants, limitUsage }: TenantParts): DocumentedOperation {
  return operation(
    {
      ...described,
      access: 'tenant',
      id: 'listTenants',
      method: 'GET',
      path: '/api/tenants',
      summary: 'All tenants, oldest first',
      description: 'Whoever administers one tenant sees that one.',
      answer: z.strictObject({ tenants: z.array(shownTenant.extend({ limits: z.strictObject(shownBudgetUses) })) }),
    },
    async ({ actor, now }) => {
      const seen = (await tenants.list()).filter(({ id }) => sees(actor, id))
      const uses = await limitUsage.ofTenants(seen, now)
      return { body: { tenants: seen.map((one) => ({ ...shown(one), limits: budgetUses(uses.get(one.id)) })) } }
    },
  )
}

function reading(parts: TenantParts): DocumentedOperation {
  return operation(
    {
      ...described,
      access: 'tenant',
      id: 'getTenant',
      method: 'GET',
      path: '/api/tenants/{id}',
      summary: 'One tenant',
      params: tenantParams,
      answer: shownTenant,
      errors: ['not_found'],
    },
    async ({ params: { id }, actor }) => ({ body: shown(await visibleTenant(parts, actor, id)) }),
  )
}

function creating({ tenants }: TenantParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'createTenant',
      method: 'POST',
      path: '/api/tenants',
      summary: 'Makes a tenant',
      body: changes.required({ name: true }),
      example: { name: 'acme', description: 'pays by invoice', budgetMonthUsd: '500.00' },
      answer: shownTenant,
      status: 201,
      errors: ['conflict'],
    },
    async ({ body, expectedRevision, now }) => {
      const fields: TenantFields = { name: body.name, ...given(budgetsOf(body)) }
      const made = shown(await tenants.create(ulid(), fields, now, expectedRevision))
      return { body: made, audit: { target: made.id, after: made } }
    },
  )
}

function updating(parts: TenantParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'updateTenant',
      method: 'PUT',
      path: '/api/tenants/{id}',
      summary: 'Changes what is named of a tenant; the rest stays',
      params: tenantParams,
      body: changes,
      answer: shownTenant,
      errors: ['not_found', 'conflict'],
    },
    async ({ params: { id }, body, actor, expectedRevision, now }) => {
      const before = shown(await visibleTenant(parts, actor, id))
      await parts.tenants.update(id, given(budgetsOf(body)), now, expectedRevision)
      const after = shown(await visibleTenant(parts, actor, id))
      return { body: after, audit: { target: id, ...difference(before, after) } }
    },
  )
}

function resetting(parts: TenantParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'resetTenant',
      method: 'POST',
      path: '/api/tenants/{id}/reset',
      summary: 'Gives a tenant back what its keys have used of its budgets',
      description: 'What the keys have used of their own limits stays, and so do entries and statistics.',
      params: tenantParams,
      answer: shownTenant,
      errors: ['not_found'],
    },
    async ({ params: { id }, actor, expectedRevision, now }) => {
      const before = shown(await visibleTenant(parts, actor, id))
      await parts.tenants.reset(id, now, expectedRevision)
      const after = shown(await visibleTenant(parts, actor, id))
      return { body: after, audit: { target: id, ...difference(before, after) } }
    },
  )
}

function removing(parts: TenantParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'deleteTenant',
      method: 'DELETE',
      path: '/api/tenants/{id}',
      summary: 'Removes a tenant without keys',
      description: 'Revoked keys count, since the ledger still tells what they used. One that was in use is disabled.',
      params: tenantParams,
      answer: done,
      errors: ['not_found', 'conflict'],
    },
    async ({ params: { id }, actor, expectedRevision }) => {
      const before = shown(await visibleTenant(parts, actor, id))
      await parts.tenants.remove(id, expectedRevision)
      return { body: { success: true, message: 'Tenant deleted' }, audit: { target: id, before } }
    },
  )
}

/** By its id alone: one that merely has that name is another one. Throws `not_found`. */
export async function visibleTenant({ tenants }: TenantParts, actor: Actor, id: string): Promise<Tenant> {
  const tenant = await tenants.find(id)
  if (tenant?.id !== id || !sees(actor, id)) throw new GatewayError('not_found')
  return tenant
}

function sees({ isAdmin, tenantId }: Actor, id: string): boolean {
  return isAdmin || tenantId === id
}

function shown(tenant: Tenant): z.output<typeof shownTenant> {
  return tenantJson(tenant) as z.output<typeof shownTenant> // safe: every answer of a test is held against the schema
}
