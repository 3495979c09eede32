import { z } from 'zod'
import { type DocumentedOperation, operation } from '../../proxy/admin/operation.ts'
import { RevisionConflict } from '../../proxy/domain/config-refusal.ts'
import { GatewayError } from '../../proxy/domain/errors.ts'
import { StoreError } from '../../proxy/domain/store-error.ts'

const described = { tag: 'Test', summary: 'A test', access: 'admin' } as const
const seen = z.strictObject({ seen: z.unknown() })

/** What its handler was given is what it answers; a name can make it throw. */
const echo = operation(
  {
    ...described,
    id: 'echo',
    method: 'PUT',
    path: '/api/things/{id}',
    hasRevision: true,
    params: z.strictObject({ id: z.string().max(8) }),
    query: z.strictObject({ limit: z.coerce.number().int().min(1).optional() }),
    body: z.strictObject({ name: z.string(), secret: z.string().max(5).optional() }),
    answer: seen,
    errors: ['not_found'],
  },
  async ({ params, query, body, actor, expectedRevision }) => {
    if (body.name === 'away') throw new StoreError('connection', 'it is away', { operation: 'test' })
    if (body.name === 'none') throw new GatewayError('not_found')
    if (body.name === 'stale') throw new RevisionConflict()
    return {
      body: { seen: { params, query, body, actor: actor.name, expectedRevision: expectedRevision ?? null } },
      audit: { target: params.id, before: { name: 'old', apiKeys: ['sk-1'] }, after: body },
    }
  },
)
const read = operation(
  {
    ...described,
    id: 'read',
    method: 'GET',
    path: '/api/things/{id}',
    hasRevision: true,
    params: z.strictObject({ id: z.string() }),
    answer: seen,
  },
  async ({ params }) => ({ body: { seen: params.id }, audit: { target: params.id, before: { not: 'kept' } } }),
)
const remove = operation(
  {
    ...described,
    id: 'remove',
    method: 'DELETE',
    path: '/api/things/{id}',
    params: z.strictObject({ id: z.string() }),
    answer: null,
  },
  async ({ params }) => ({ audit: { target: params.id } }),
)
const make = operation(
  { ...described, id: 'make', access: 'tenant', method: 'POST', path: '/api/things', answer: seen, status: 201 },
  async ({ actor }) => ({ body: { seen: actor.tenantId } }),
)
const open = operation(
  { ...described, id: 'open', access: 'public', method: 'GET', path: '/api/open', answer: seen },
  async ({ actor }) => ({ body: { seen: actor.name } }),
)
export const thingOperations: readonly DocumentedOperation[] = [echo, read, remove, make, open]
