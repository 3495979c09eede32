import { z } from 'zod'
import type { FieldProblem } from '../domain/errors.ts'
import { DEBUG_LOG, type DebugLog, defaultDebugLog } from '../domain/recording.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { requestInvalid } from './problems.ts'
import { done, line } from './schemas.ts'
import { type SettingKind, settingKind } from './setting-kind.ts'
import type { SettingParts } from './setting-operations.ts'

const MAX_KEYS = 100
const MAX_HOURS = 8760

const hours = z.int().min(1).max(MAX_HOURS)
const debugLog = z.strictObject({
  enabled: z.boolean(),
  keyIds: z
    .array(line(26).min(1))
    .max(MAX_KEYS)
    .nullable()
    .default(null)
    .describe('Only calls of these keys; null is all'),
  fullRetentionHours: hours.default(defaultDebugLog.fullRetentionHours).describe('How long bodies are kept'),
  headerRetentionHours: hours
    .default(defaultDebugLog.headerRetentionHours)
    .describe('How long the rest is kept; not less than fullRetentionHours'),
  maxBodyKb: z.int().min(1).max(4096).default(defaultDebugLog.maxBodyKb).describe('Of each body, from its beginning'),
})

export const debugLogKind: SettingKind = settingKind({
  stored: DEBUG_LOG,
  schema: debugLog,
  shown: complete,
  toStored: (said) => said,
  problems: problemsOf,
})

const described = { tag: 'Settings', access: 'admin', hasRevision: true, path: '/api/config/debug-log' } as const

/** Whether requests and answers are kept. */
export function debugLogOperations({ settings }: Pick<SettingParts, 'settings'>): readonly DocumentedOperation[] {
  // safe: written below
  const read = async (): Promise<DebugLog> => complete((await settings.get(DEBUG_LOG)) as Partial<DebugLog> | undefined)
  return [
    operation(
      {
        ...described,
        id: 'getDebugLog',
        method: 'GET',
        summary: 'Whether requests and answers are kept',
        answer: debugLog,
      },
      async () => ({ body: await read() }),
    ),
    operation(
      {
        ...described,
        id: 'setDebugLog',
        method: 'PUT',
        summary: 'Says whether requests and answers are kept, of whom, and for how long',
        description: 'They hold what people wrote. It is in force for calls that begin from then on.',
        body: debugLog,
        example: { enabled: true, keyIds: ['01JGF0000000000000000000AB'], fullRetentionHours: 2 },
        answer: done,
      },
      async ({ body, expectedRevision }) => {
        const problems = problemsOf(body)
        if (problems.length > 0) throw requestInvalid(problems)
        const before = await read()
        await settings.set(DEBUG_LOG, body, expectedRevision)
        return {
          body: { success: true, message: 'Debug log set' },
          audit: { target: DEBUG_LOG, before, after: body },
        }
      },
    ),
  ]
}

function complete(set: Partial<DebugLog> | undefined): DebugLog {
  return { ...defaultDebugLog, ...set }
}

function problemsOf({ headerRetentionHours, fullRetentionHours }: DebugLog): readonly FieldProblem[] {
  if (headerRetentionHours >= fullRetentionHours) return []
  return [{ field: 'headerRetentionHours', message: 'It is at least as long as fullRetentionHours.' }]
}
