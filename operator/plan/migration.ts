import type { ApiKeyStoreStatus } from '../api/api-key-store-status.ts'
import type { KubernetesObject, Store } from '../api/object.ts'
import { APPROVAL } from '../resources/labels.ts'
import { migrationJob } from '../resources/migration-job.ts'
import { type Aim, aimOf, type Attempt, followed, isFinal, nextAttempt, retryAt } from './attempt.ts'
import { isOfSchema } from './failure-of.ts'
import { type Finding, finding } from './finding.ts'
import type { Observed, Trouble } from './observed.ts'
import type { Connections } from './requirements.ts'

type Schema = NonNullable<ApiKeyStoreStatus['schema']>

/** What may run while the schema is what it is. */
export interface Gate {
  /** Undefined while nothing may run yet. */
  readonly image: string | undefined
  readonly isOpen: boolean
  /** Whether nothing but a change of the spec or a Secret can open it. */
  readonly isStalled: boolean
  readonly finding: Finding
  readonly schema: Schema
  /** To be made, since it is not there. */
  readonly job?: KubernetesObject | undefined
  /** What keeps the pod of the Job from running. */
  readonly trouble?: Trouble | undefined
  /** Jobs of which nothing is needed any more, once the status is written. */
  readonly spent: readonly KubernetesObject[]
  /** When to look again although nothing has changed, in milliseconds since 1970. */
  readonly lookAt?: number | undefined
}

/** How often somebody who migrates by hand is looked after. */
const LOOK_AGAIN_MS = 300_000

/**
 * No pod of a new image before the schema that it needs is there. Until then the old pods go on, and may be restarted
 * and scaled, with the image that they have. What was found out is in the status: anybody can delete a Job.
 */
export function migration(store: Store, observed: Observed, { job: connection }: Connections): Gate {
  if (connection === undefined) return gateOfFile(store, observed)
  const { jobs, now, status } = observed
  const aim = aimOf(store, observed, connection.secretName)
  const before = status.schema ?? {}
  const schema = advance(before, aim, observed)
  const { jobName, result, step } = schema.lastMigration

  const others = [...jobs].filter(([name]) => name !== jobName).map(([, job]) => job)
  const rival = others.find(({ state, isAtWork }) => state === 'running' && isAtWork)
  if (rival !== undefined) {
    const detail = `The Job ${rival.object.metadata.name} has to end first.`
    return { ...closed(observed), schema: before, finding: finding('False', 'Migrating', detail), spent: [] }
  }
  const job = jobs.get(jobName)
  const due = result === 'Running' ? Infinity : dueAt(schema, aim)
  return {
    ...(isOpen(schema) ? opened(store) : closed(observed)),
    isStalled: isFinal(schema.lastMigration, aim),
    finding: findingOf(store, schema, aim, job?.trouble),
    schema: aim.policy === 'Manual' && aim.step === 'Migrate' ? { ...schema, approvedHash: aim.hash } : schema,
    job:
      result === 'Running' && job === undefined ? migrationJob(store, { name: jobName, step, connection }) : undefined,
    trouble: job?.trouble,
    spent: others.map(({ object }) => object),
    lookAt: Number.isFinite(due) ? Math.max(due, now) : undefined,
  }
}

type Known = Schema & { readonly lastMigration: Attempt }

/** What is known by now, and the next attempt where one is due. */
function advance(before: Schema, aim: Aim, observed: Observed): Known {
  const { now } = observed
  const last = before.lastMigration
  const known = follow(before, last?.hash === aim.hash ? last : nextAttempt(last, aim, now), observed)
  const isDue = known.lastMigration.result !== 'Running' && now >= dueAt(known, aim)
  return isDue ? follow(known, nextAttempt(known.lastMigration, aim, now), observed) : known
}

function follow(schema: Schema, attempt: Attempt, { jobs, now }: Observed): Known {
  const job = jobs.get(attempt.jobName)
  const lastMigration = followed(attempt, job, now)
  if (lastMigration === attempt || lastMigration.result !== 'Succeeded') return { ...schema, lastMigration }
  const current = job?.report?.schema
  return {
    ...schema,
    ...(current !== undefined && { current }),
    pending: [...(job?.report?.pending ?? [])],
    lastMigration,
  }
}

/** When an attempt that ended is to be followed by another: never, where nothing else would come of it. */
function dueAt(schema: Known, aim: Aim): number {
  const last = schema.lastMigration
  if (isOpen(schema)) return Infinity
  if (last.result === 'Failed') return retryAt(last, aim)
  if (aim.step === 'Migrate') return 0
  return aim.policy === 'Disabled' ? Date.parse(last.completionTime ?? '') + LOOK_AGAIN_MS : Infinity
}

function isOpen({ lastMigration, pending = [] }: Known): boolean {
  return lastMigration.result === 'Succeeded' && (lastMigration.step === 'Migrate' || pending.length === 0)
}

function opened({ spec }: Store): Pick<Gate, 'image' | 'isOpen'> {
  return { image: spec.image, isOpen: true }
}

/** The status knows the image where somebody deleted the Deployment. */
function closed({ deployment, status }: Observed): Pick<Gate, 'image' | 'isOpen' | 'isStalled'> {
  return { image: deployment?.image ?? status.effective?.image, isOpen: false, isStalled: false }
}

function findingOf({ name, namespace }: Store, schema: Known, aim: Aim, trouble: Trouble | undefined): Finding {
  const { lastMigration: last, pending = [] } = schema
  if (isOpen(schema)) return finding('True', 'UpToDate')
  if (last.result === 'Running' && last.failures === 0) {
    return last.step === 'Check'
      ? finding('Unknown', 'SchemaUnknown', trouble?.message)
      : finding('False', 'Migrating', trouble?.message)
  }
  if (last.result !== 'Succeeded') {
    if (last.failure === 'DatabaseUnreachable') return finding('Unknown', last.failure, last.message)
    const reason = last.failure ?? (isFinal(last, aim) ? 'MigrationFailed' : 'MigrationRetrying')
    return finding('False', reason, last.message)
  }
  const detail = `Pending: ${pending.join(', ')}.`
  if (aim.policy !== 'Manual') return finding('False', 'MigrationDisabled', detail)
  const command = `kubectl -n ${namespace} annotate akstore ${name} --overwrite ${APPROVAL}=${aim.hash}`
  return finding('False', 'ApprovalRequired', `${detail} The command is \`${command}\`.`)
}

/** The pod of a file's store brings the schema up itself before it serves: nobody else has the file. */
function gateOfFile(store: Store, { pods, status }: Observed): Gate {
  const trouble = pods.map((pod) => pod.trouble).find((each) => each !== undefined && isOfSchema(each))
  const current = pods.find(({ isReady }) => isReady)?.health?.schema ?? status.schema?.current
  const isUp = pods.some(({ isReady }) => isReady)
  return {
    ...opened(store),
    isStalled: false,
    finding: trouble
      ? finding('False', trouble.reason, trouble.message)
      : isUp
        ? finding('True', 'MigratedByPod')
        : finding('Unknown', 'SchemaUnknown'),
    schema: { ...status.schema, ...(current !== undefined && { current }) },
    spent: [],
  }
}
