import { z } from 'zod'
import type { LogStore } from '../domain/log.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { iso } from './schemas.ts'

export interface LogRemovalParts {
  readonly logs: Pick<LogStore, 'remove'>
}

/**
 * A spool that comes later is refused what is older than what was removed: so the young ones stay, of which some may
 * not have been counted yet.
 */
const MIN_AGE_DAYS = 30
const DAY_MS = 86_400_000

const described = {
  tag: 'Logs',
  access: 'admin',
  description: `Windows, budgets and statistics stay as they are, and so do the calls of the last ${MIN_AGE_DAYS} days. Older calls that a process has yet to write are refused then: whether they were counted is no longer known.`,
} as const
const answer = z.strictObject({ message: z.string(), deletedCount: z.int(), retentionDays: z.int() })

/** Making the ledger shorter than its retention does. */
export function logRemovalOperations({ logs }: LogRemovalParts): readonly DocumentedOperation[] {
  const remove = async (retentionDays: number, now: number) => {
    const before = now - retentionDays * DAY_MS
    const deletedCount = await logs.remove(before)
    return {
      body: { message: `Deleted ${deletedCount} calls`, deletedCount, retentionDays },
      audit: { target: `before ${iso(before)}`, after: { deletedCount } },
    }
  }
  return [
    operation(
      {
        ...described,
        id: 'cleanUpLogs',
        method: 'POST',
        path: '/api/logs/cleanup',
        summary: 'Deletes calls that are older than so many days',
        query: z.strictObject({ days: z.coerce.number().int().min(MIN_AGE_DAYS).max(3650) }),
        answer,
      },
      ({ query, now }) => remove(query.days, now),
    ),
    operation(
      {
        ...described,
        id: 'clearLogs',
        method: 'DELETE',
        path: '/api/logs',
        summary: `Deletes all calls but those of the last ${MIN_AGE_DAYS} days`,
        answer,
      },
      ({ now }) => remove(MIN_AGE_DAYS, now),
    ),
  ]
}
