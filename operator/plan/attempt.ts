import type { ApiKeyStoreStatus } from '../api/api-key-store-status.ts'
import type { Store } from '../api/object.ts'
import { hashOf, migrationJobName } from '../resources/names.ts'
import { failureOf } from './failure-of.ts'
import type { JobSeen, Observed } from './observed.ts'

/** What the status remembers of the last Job for the schema. It outlives the Job. */
export type Attempt = NonNullable<NonNullable<ApiKeyStoreStatus['schema']>['lastMigration']>

/** What a migration is for, and how it is to be done now. */
export interface Aim {
  /** Of the image and the database. */
  readonly hash: string
  readonly policy: 'Auto' | 'Manual' | 'Disabled'
  /** A look at what is pending, unless the migration itself is allowed. */
  readonly step: Attempt['step']
  /** Of the spec and the Secret: whoever changes one of them wants failures to be forgotten. */
  readonly trigger: string
  readonly backoffLimit: number
  readonly jobName: (attempt: number) => string
}

const RETRY_MS = 10_000
const LONGEST_RETRY_MS = 300_000
const MAX_MESSAGE = 1024
/** The code of the image's programs for a server that cannot be reached, or lets nobody in. */
const AWAY = 'storage_away'

export function aimOf(store: Store, { approval, databaseIdentity, secrets }: Observed, secretName: string): Aim {
  const { image, migration: { policy = 'Auto', backoffLimit = 3 } = {} } = store.spec
  const hash = hashOf(image, databaseIdentity)
  return {
    hash,
    policy,
    step: policy === 'Auto' || (policy === 'Manual' && approval === hash) ? 'Migrate' : 'Check',
    trigger: hashOf(`${store.generation}`, secrets.get(secretName)?.hash),
    backoffLimit,
    jobName: (attempt) => migrationJobName(store, hashOf(hash, `${attempt}`)),
  }
}

/**
 * The attempt that follows, under a name that no Job before had: a result of an earlier one is never taken for its own.
 * It is told why the one before failed until it ends, or whoever looks on would hear of it only between attempts.
 */
export function nextAttempt(before: Attempt | undefined, { hash, step, trigger, jobName }: Aim, now: number): Attempt {
  const attempts = (before?.attempts ?? 0) + 1
  const isRepeated = before?.hash === hash && before.trigger === trigger && before.result === 'Failed'
  const { failures = 0, failure, message } = isRepeated ? before : {}
  return {
    hash,
    step,
    trigger,
    attempts,
    failures,
    ...(failure !== undefined && { failure }),
    ...(message !== undefined && { message }),
    jobName: jobName(attempts),
    result: 'Running',
    startTime: new Date(now).toISOString(),
  }
}

/** The attempt as its Job leaves it. A Job that has gone without a result is made again under the same name. */
export function followed(attempt: Attempt, job: JobSeen | undefined, now: number): Attempt {
  if (attempt.result !== 'Running' || job === undefined || job.state === 'running') return attempt
  const { failure: _failure, message: _message, ...own } = attempt
  const ended = { ...own, completionTime: new Date(now).toISOString() }
  const { state, report, message = 'It ended without a report.' } = job
  // A migration that succeeded is one, whatever became of its words; a look that says nothing was none.
  if (state === 'succeeded' && (report?.pending !== undefined || attempt.step === 'Migrate')) {
    return { ...ended, result: 'Succeeded' }
  }
  const failure = failureOf(report) ?? (report?.error?.code === AWAY ? 'DatabaseUnreachable' : undefined)
  const told = (report?.error?.message ?? message).replaceAll(/\s+/g, ' ')
  return {
    ...ended,
    result: 'Failed',
    failures: attempt.failures + 1,
    ...(failure !== undefined && { failure }),
    message: `${attempt.jobName}: ${told}`.slice(0, MAX_MESSAGE),
  }
}

/** Whether the attempt is one too many, as long as nobody changes anything. A database may come back by itself. */
export function isFinal({ result, failure, failures }: Attempt, { backoffLimit }: Aim): boolean {
  if (result !== 'Failed' || failure === 'DatabaseUnreachable') return false
  return failure !== undefined || failures > backoffLimit
}

/** When an attempt that failed may be followed by another, in milliseconds since 1970. */
export function retryAt(attempt: Attempt, aim: Aim): number {
  if (attempt.trigger !== aim.trigger) return 0
  if (isFinal(attempt, aim)) return Infinity
  const pauseMs = Math.min(RETRY_MS * 2 ** (attempt.failures - 1), LONGEST_RETRY_MS)
  return Date.parse(attempt.completionTime ?? '') + pauseMs
}
