import { z } from 'zod'
import { GatewayError } from '../domain/errors.ts'
import type { LogStore } from '../domain/log.ts'
import type { Actor } from '../domain/operation.ts'
import { given } from './given.ts'
import { logItem, shownLog } from './log-item.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instantInput, line } from './schemas.ts'

export interface LogReadParts {
  readonly logs: Pick<LogStore, 'list' | 'count' | 'find'>
}

const described = { tag: 'Logs', access: 'tenant' } as const
const text = line(255).min(1)
export const logId = z.string().regex(/^[0-9A-Z]{26}$/)
const query = z.strictObject({
  provider: text.optional().describe('What channel is called in other systems'),
  channel: text.optional().describe('The name that it had, or its id'),
  model: text.optional(),
  endpoint: text.optional().describe('As in messages or chat/completions'),
  keyId: text.optional(),
  tenantId: text.optional().describe('Whoever administers one tenant only sees that one'),
  clientId: text.optional(),
  sessionId: text.optional(),
  httpStatus: z
    .string()
    .regex(/^(?:0|[1-5](?:\d\d|xx))$/)
    .transform(statusesOf)
    .optional()
    .describe('One status (429), those that begin alike (5xx), or 0 where no answer came'),
  status: logItem.shape.status.optional(),
  from: instantInput.optional(),
  to: instantInput.optional(),
  before: logId.optional().describe('Only what is older than the entry with this id'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  offset: z.coerce.number().int().min(0).max(10_000).default(0).describe('To go further, send before'),
})

/** Reading the ledger. */
export function logReadOperations(parts: LogReadParts): readonly DocumentedOperation[] {
  return [listing(parts), reading(parts)]
}

function listing({ logs }: LogReadParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'listLogs',
      method: 'GET',
      path: '/api/logs',
      summary: 'The calls, newest first',
      description:
        'To read on, send `before` with the `next` of the last page. A search that has looked at 10,000 calls, or at 4,000 of one key or session, stops there: the page may be short or empty then, and `next` says where to go on.',
      query,
      answer: z.strictObject({
        requests: z.array(logItem),
        total: z.int().nullable().describe('Counted up to 10,000; null with before'),
        totalIsExact: z.boolean().describe('Whether there are no more than total'),
        hasMore: z.boolean().describe('False where nothing follows'),
        next: z.string().nullable(),
      }),
    },
    async ({ query: { before, limit, offset, provider, channel, ...rest }, actor }) => {
      const named = channel ?? provider
      const filter = {
        ...given(rest),
        ...(named !== undefined && { channel: named }),
        ...scopeOf(actor, rest.tenantId),
      }
      const [{ entries, next }, counted] = await Promise.all([
        logs.list(filter, { ...(before !== undefined && { before }), limit, offset }),
        before === undefined ? logs.count(filter) : undefined,
      ])
      return {
        body: {
          requests: entries.map(shownLog),
          total: counted?.total ?? null,
          totalIsExact: counted?.isExact ?? false,
          hasMore: next !== null,
          next,
        },
      }
    },
  )
}

function reading({ logs }: LogReadParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getLog',
      method: 'GET',
      path: '/api/logs/{id}',
      summary: 'One call',
      params: z.strictObject({ id: logId }),
      answer: logItem,
      errors: ['not_found'],
    },
    async ({ params: { id }, actor }) => {
      const entry = await logs.find(id, scopeOf(actor, undefined))
      if (entry === undefined) throw new GatewayError('not_found')
      return { body: shownLog(entry) }
    },
  )
}

/** Whoever administers one tenant sees nothing else, whatever was asked for. */
export function scopeOf({ isAdmin, tenantId }: Actor, asked: string | undefined): { readonly tenantId?: string } {
  const scope = isAdmin ? asked : (tenantId ?? '')
  return scope === undefined ? {} : { tenantId: scope }
}

function statusesOf(asked: string): readonly [first: number, last: number] {
  if (!asked.endsWith('xx')) return [Number(asked), Number(asked)]
  const first = Number(asked[0]) * 100
  return [first, first + 99]
}
