import type { ApiKeyStoreStatus } from '../api/api-key-store-status.ts'
import type { Store } from '../api/object.ts'
import { type ConditionType, type Reason, reasons } from '../api/reasons.ts'
import { adminKeyOf, encryptionKeyOf } from '../resources/names.ts'
import { selectorOf } from '../resources/labels.ts'
import { DEFAULT_PORT } from '../resources/kubernetes-service.ts'
import { type Finding, type Findings, finding } from './finding.ts'
import type { Observed } from './observed.ts'
import type { Standing } from './readiness.ts'

/** A status but for the times of its conditions. */
export type PlannedStatus = Omit<ApiKeyStoreStatus, 'conditions'> & { readonly findings: Findings }

export interface Outcome {
  readonly standing: Standing
  /** Whether nothing but a change of the spec or a Secret can help. */
  readonly isStalled: boolean
  /** Undefined where nobody asked in this pass. */
  readonly schemaUpToDate: Finding | undefined
  readonly schema: ApiKeyStoreStatus['schema']
  /** That runs, or is to run now. */
  readonly image: string | undefined
}

/** What is told of the store. */
export function report(store: Store, observed: Observed, outcome: Outcome): PlannedStatus {
  const { deployment, status } = observed
  const { standing, schema, image } = outcome
  const { name, namespace, spec } = store
  const version = standing.version ?? status.version
  const port = spec.service?.port ?? DEFAULT_PORT
  return {
    observedGeneration: store.generation,
    findings: findingsOf(store, observed, outcome),
    replicas: deployment?.replicas ?? 0,
    readyReplicas: deployment?.ready ?? 0,
    updatedReplicas: deployment?.updated ?? 0,
    selector: Object.entries(selectorOf(store))
      .map((pair) => pair.join('='))
      .join(','),
    endpoint: `http://${name}.${namespace}.svc${port === DEFAULT_PORT ? '' : `:${port}`}`,
    ...(version !== undefined && { version }),
    ...(schema !== undefined && { schema }),
    effective: {
      ...(image !== undefined && { image }),
      replicas: spec.autoscaling ? (deployment?.wanted ?? spec.autoscaling.minReplicas ?? 1) : spec.replicas,
      adminKeySecret: adminKeyOf(store).name,
      encryptionKeySecret: encryptionKeyOf(store).name,
    },
  }
}

function findingsOf({ spec }: Store, observed: Observed, { standing, isStalled, schemaUpToDate }: Outcome): Findings {
  const { ready, available, database } = standing
  const isPaused = spec.paused === true
  const isUnderWay = ready.status !== 'True' && !isStalled
  return {
    Ready: ready,
    Available: available,
    DatabaseReachable: database,
    SchemaUpToDate:
      schemaUpToDate ?? findingBefore(observed.status, 'SchemaUpToDate') ?? finding('Unknown', 'SchemaUnknown'),
    BackupConfigured: finding('False', spec.backup === undefined ? 'NotConfigured' : 'NotImplemented'),
    LastBackupSucceeded: finding('Unknown', 'NoBackup'),
    BackupVerified: finding('Unknown', 'NoBackup'),
    Reconciling: isPaused
      ? finding('False', 'Suspended')
      : isUnderWay
        ? { ...ready, status: 'True' }
        : finding('False', isStalled ? ready.reason : 'Done'),
    Stalled: isStalled ? { ...ready, status: 'True' } : finding('False', 'NotStalled'),
    Paused: isPaused ? finding('True', 'Suspended') : finding('False', 'NotSuspended'),
    RestoreInProgress: finding('False', 'NoRestore'),
  }
}

/** What was said of it before. */
export function findingBefore({ conditions }: ApiKeyStoreStatus, type: ConditionType): Finding | undefined {
  const known = conditions?.find((condition) => condition.type === type)
  if (known === undefined || !isReason(known.reason)) return undefined
  return { status: known.status, reason: known.reason, message: known.message }
}

function isReason(word: string): word is Reason {
  return Object.hasOwn(reasons, word)
}
