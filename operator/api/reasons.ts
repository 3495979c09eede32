/** The condition types of an ApiKeyStore, and what each says. */
export const conditionTypes = {
  Ready: 'The gateway serves as the spec says.',
  Available: 'At least one pod serves.',
  DatabaseReachable: 'The pods reach the database.',
  SchemaUpToDate: 'The schema is the one that the image needs.',
  BackupConfigured: 'There are scheduled backups.',
  LastBackupSucceeded: 'The last backup succeeded.',
  BackupVerified: 'The last backup was verified.',
  Reconciling: 'The operator is still at work on it (kstatus).',
  Stalled: 'Nothing but a change of the spec or of a Secret can help (kstatus).',
  Paused: 'The operator leaves everything as it is.',
  RestoreInProgress: 'A restore is under way.',
} as const

export type ConditionType = keyof typeof conditionTypes

interface ReasonText {
  readonly means: string
  /** Left out where nothing needs to be done. */
  readonly todo?: string
}

/** Every reason of a condition of an ApiKeyStore. */
export const reasons = {
  Serving: { means: 'All pods run the wanted version and are ready.' },
  ScaledToZero: { means: 'No pods are wanted.' },
  Progressing: { means: 'Pods are being started, replaced or ended.' },
  NoPodReady: {
    means: 'No pod is ready.',
    todo: 'Look at the pods’ events and logs: kubectl describe pods, kubectl logs.',
  },
  PodsNotReady: {
    means: 'Some pods are not ready.',
    todo: 'Look at the pods’ events and logs: kubectl describe pods, kubectl logs.',
  },
  MixedVersions: { means: 'Pods of different versions serve, as they do during a roll-out.' },
  ImagePullFailed: {
    means: 'The image cannot be pulled.',
    todo: 'Correct spec.image, or name a Secret of the registry in spec.imagePullSecrets.',
  },
  QuotaExceeded: {
    means: 'A resource quota of the namespace keeps pods from being made.',
    todo: 'Raise the quota, or lower spec.replicas or the requests in spec.podTemplate.resources. Name them there where it wants them.',
  },
  Unschedulable: {
    means: 'No node has room for a pod.',
    todo: 'Add nodes, or lower the requests or constraints in spec.podTemplate.',
  },
  CrashLooping: {
    means: 'Pods end as soon as they are started.',
    todo: 'Look at their logs: kubectl logs --previous.',
  },
  SecretMissing: { means: 'A Secret that the spec names is not there.', todo: 'Create it, or name another one.' },
  SecretKeyMissing: {
    means: 'A Secret lacks a key that the spec needs.',
    todo: 'Add the key, or say in the spec what it is called.',
  },
  EncryptionKeyMissing: {
    means: 'The Secret of the encryption key has gone, and what is encrypted cannot be read without it.',
    todo: 'Restore the Secret with the same key. It is never made anew, for that would lose every channel’s secrets.',
  },
  InvalidSpec: { means: 'The spec says something that cannot be.', todo: 'Correct the fields that the message names.' },
  NameConflict: {
    means: 'An object of a name that the store needs belongs to somebody else.',
    todo: 'Remove or rename that object, or the store.',
  },
  Forbidden: {
    means: 'The operator may not do what it needs to.',
    todo: 'Grant its service account the role of the chart.',
  },
  ClaimPending: {
    means: 'The claim of the data has no volume.',
    todo: 'Look at its events: kubectl describe pvc; a storage class may be missing.',
  },
  DatabaseReachable: { means: 'The pods reach the database.' },
  DatabaseUnreachable: {
    means: 'The database cannot be reached, or lets nobody in; pods that serve go on with known keys for a while.',
    todo: 'Look at the database, at the connection Secret and at network policies.',
  },
  DatabaseUnknown: { means: 'No pod could be asked.' },
  UpToDate: { means: 'The schema is the one that the image needs.' },
  Migrating: { means: 'A Job brings the schema up to date; the old pods go on serving.' },
  MigrationFailed: {
    means: 'The migration failed; the old pods go on serving.',
    todo: 'Look at the Job’s log; set another image, or change the spec to have it tried again.',
  },
  MigrationRetrying: { means: 'The migration failed and will be tried again; the old pods go on serving.' },
  ApprovalRequired: {
    means: 'A migration waits to be approved.',
    todo: 'Approve it by its hash, in the annotation tollgate.dev/approve-migration.',
  },
  MigrationDisabled: {
    means: 'The schema is behind the image, and the spec forbids migrations.',
    todo: 'Run tollgate schema up with the new image, or set migration.policy.',
  },
  SchemaNewerThanImage: {
    means: 'The database was migrated by a later version that leaves no room for this one; the old pods go on serving.',
    todo: 'Set an image of that version, or restore a backup and change the spec.',
  },
  SettingsInvalid: {
    means: 'The image cannot be run with what spec.settings or a Secret says; the old pods go on serving.',
    todo: 'Correct the variable that the message names where it comes from.',
  },
  SchemaUnknown: { means: 'Nobody has said yet what the schema is.' },
  MigratedByPod: { means: 'The pod brings the schema of its own file up to date when it starts.' },
  NotConfigured: { means: 'The spec names no backups.', todo: 'Set spec.backup, or make backups yourself.' },
  NotImplemented: { means: 'This version of the operator does not make backups yet.' },
  NoBackup: { means: 'There is no backup yet.' },
  Suspended: { means: 'spec.paused is set.', todo: 'Remove spec.paused to have the operator go on.' },
  NotSuspended: { means: 'spec.paused is not set.' },
  NoRestore: { means: 'No restore is under way.' },
  Deleting: { means: 'The store is being deleted.' },
  Done: { means: 'There is nothing left to do.' },
  Retrying: { means: 'Something failed that may go better the next time; the operator tries again.' },
  NotStalled: { means: 'The operator can go on by itself.' },
} as const satisfies Readonly<Record<string, ReasonText>>

export type Reason = keyof typeof reasons
