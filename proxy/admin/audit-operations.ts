import { z } from 'zod'
import type { AuditEntry, AuditStore } from '../domain/audit.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, instantInput, iso } from './schemas.ts'

const entry = z.strictObject({
  id: z.string(),
  at: instant,
  actorId: z.string().nullable().describe('The key; null is a caller without a good one, and the command line'),
  actor: z
    .string()
    .describe('The name that the key had, or the address of a caller without one; cli is the command line'),
  operation: z.string(),
  target: z.string().nullable(),
  httpStatus: z.int(),
  error: z.string().nullable(),
  requestId: z.string(),
  before: z.unknown().describe('What a write has changed, without secrets; null for everything else'),
  after: z.unknown(),
})

const name = z.string().min(1).max(255)

export interface AuditParts {
  readonly audit: Pick<AuditStore, 'list'>
}

export function auditOperations({ audit }: AuditParts): readonly DocumentedOperation[] {
  return [
    operation(
      {
        id: 'listAudit',
        method: 'GET',
        path: '/api/audit',
        tag: 'Audit',
        access: 'admin',
        summary: 'Who called which operation, and what it changed, newest first',
        description: 'To read on, send `before` with the id of the last line.',
        query: z.strictObject({
          actor: name.optional().describe('The id of a key, or the name it had'),
          operation: name.optional().describe('An operationId of this document'),
          target: name.optional(),
          from: instantInput.optional(),
          to: instantInput.optional(),
          before: z
            .string()
            .regex(/^[0-9A-Z]{26}$/)
            .optional()
            .describe('Only lines older than the one with this id'),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        answer: z.strictObject({ entries: z.array(entry), hasMore: z.boolean() }),
      },
      async ({ query: { actor, operation: id, target, from, to, before, limit } }) => {
        const found = await audit.list({
          ...(actor !== undefined && { actor }),
          ...(id !== undefined && { operation: id }),
          ...(target !== undefined && { target }),
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
          ...(before !== undefined && { before }),
          limit: limit + 1,
        })
        return { body: { entries: found.slice(0, limit).map(shown), hasMore: found.length > limit } }
      },
    ),
  ]
}

function shown({ at, before, after, ...rest }: AuditEntry) {
  return { ...rest, at: iso(at), before: read(before), after: read(after) }
}

function read(json: string | null): unknown {
  return json === null ? null : JSON.parse(json)
}
