import type { ApiKeyStoreStatus } from '../api/api-key-store-status.ts'
import type { KubernetesObject } from '../api/object.ts'
import type { Reason } from '../api/reasons.ts'

/** A Secret without its values, so that no plan, log or status can hold one. */
export interface SecretSeen {
  /** Of all that is in it. */
  readonly hash: string
  /** Those that have a value. */
  readonly keys: ReadonlySet<string>
}

export interface DeploymentSeen {
  readonly image: string | undefined
  /** Pods that it wants. */
  readonly wanted: number
  readonly replicas: number
  readonly ready: number
  readonly updated: number
  /** Whether its controller has seen its last change. */
  readonly isObserved: boolean
  /** Whether the operator is who says how many pods there are. */
  readonly isSizedByUs: boolean
  /** Whether its pods were ready once since its template was last changed. */
  readonly isRolledOut: boolean
  /** Why its controller gets no further. */
  readonly trouble: Trouble | undefined
}

/** What keeps a pod from being there, or from being ready. */
export interface Trouble {
  readonly reason: Extract<
    Reason,
    | 'ImagePullFailed'
    | 'CrashLooping'
    | 'Unschedulable'
    | 'MigrationFailed'
    | 'SchemaNewerThanImage'
    | 'SettingsInvalid'
    | 'PodsNotReady'
    | 'QuotaExceeded'
  >
  readonly message: string
}

export interface PodSeen {
  readonly name: string
  readonly isReady: boolean
  readonly isEnding: boolean
  readonly trouble: Trouble | undefined
  /** What it says of itself; undefined where it could not be asked. */
  readonly health: HealthSeen | undefined
}

export interface HealthSeen {
  readonly canServe: boolean
  readonly isDatabaseConnected: boolean
  readonly version: string | undefined
  /** The last migration of its database. */
  readonly schema: string | undefined
}

/** What the Job of a migration says at its end. */
export interface MigrationReport {
  readonly schema: string | undefined
  /** Undefined where it does not say: a migration, or a list that was too long for a termination message. */
  readonly pending: readonly string[] | undefined
  readonly error: { readonly code: string; readonly message: string } | undefined
}

export interface JobSeen {
  readonly object: KubernetesObject
  readonly state: 'running' | 'succeeded' | 'failed'
  /** Whether its program runs: until then nothing is lost by ending it. */
  readonly isAtWork: boolean
  readonly trouble: Trouble | undefined
  /** Of Kubernetes, where the Job failed. */
  readonly message: string | undefined
  readonly report: MigrationReport | undefined
}

/** What was read of the cluster, once, for one pass. */
export interface Observed {
  /** In milliseconds since 1970. */
  readonly now: number
  readonly status: ApiKeyStoreStatus
  readonly isDeleting: boolean
  /** The hash of the migration that an administrator approved. */
  readonly approval: string | undefined
  /** By name; what is not there is left out. */
  readonly secrets: ReadonlyMap<string, SecretSeen>
  /** Of the server and the database, but not of who connects to it. */
  readonly databaseIdentity: string | undefined
  /** What is there of the store, as it is. */
  readonly children: readonly KubernetesObject[]
  /** Objects of somebody else under names that the store needs. */
  readonly strangers: readonly string[]
  readonly deployment: DeploymentSeen | undefined
  /** Of the proxies. */
  readonly pods: readonly PodSeen[]
  /** Of migrations, by name. */
  readonly jobs: ReadonlyMap<string, JobSeen>
  /** Whether the claim waits for a volume. */
  readonly isClaimPending: boolean
  /** Which of the Prometheus operator's kinds the cluster knows. */
  readonly monitoringKinds: ReadonlySet<string>
  /** Where the operator itself runs. */
  readonly operatorNamespace: string
  /** For Secrets that have to be made now. */
  readonly fresh: { readonly adminKey: string; readonly encryptionKey: string }
}
