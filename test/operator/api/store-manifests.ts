import type { Json, Trial } from './trial.ts'

export const postgres: Json = {
  image: 'registry.example/tollgate:1.0.0',
  database: { engine: 'postgres', postgres: { connectionSecretRef: { name: 'gateway-db' } } },
}
const sqlite: Json = {
  image: 'registry.example/tollgate:1.0.0',
  database: { engine: 'sqlite', sqlite: { storage: { size: '10Gi' } } },
}

/** Of the fields of a spec, on PostgreSQL. */
function rule(message: string, accepted: Json, refused: Json, base = postgres): Trial {
  return { kind: 'ApiKeyStore', message, base, accepted: { spec: accepted }, refused: { spec: refused } }
}

function change(message: string, before: Json, accepted: Json, refused: Json, base = postgres): Trial {
  return { ...rule(message, accepted, refused, base), before: { spec: before } }
}

const backup = (...targets: readonly Json[]): Json => ({ backup: { schedule: '@daily', targets } })
const claim = { name: 'claim', persistentVolumeClaim: { claimRef: { name: 'backups' } } }
const theOperators = (what: string) => `${what} that begin with app.kubernetes.io/ or tollgate.dev/ are the operator's`

const database = [
  rule(
    'postgres is needed with engine postgres, and out of place with another',
    { database: { engine: 'postgres' } },
    { database: { postgres: null } },
  ),
  rule(
    'sqlite is needed with engine sqlite, and out of place with another',
    { database: { engine: 'sqlite', postgres: null, sqlite: { existingClaimRef: { name: 'data' } } } },
    { database: { sqlite: { existingClaimRef: { name: 'data' } } } },
  ),
  rule(
    'exactly one of storage and existingClaimRef is needed',
    { database: { sqlite: { storage: null, existingClaimRef: { name: 'data' } } } },
    { database: { sqlite: { existingClaimRef: { name: 'data' } } } },
    sqlite,
  ),
  change(
    'engine cannot be changed; copy the data into a new store',
    {},
    { database: { sqlite: { reclaimPolicy: 'Delete' } } },
    { database: { engine: 'postgres', sqlite: null, postgres: { connectionSecretRef: { name: 'gateway-db' } } } },
    sqlite,
  ),
  change(
    'storage.size may grow, and never shrink',
    {},
    { database: { sqlite: { storage: { size: '10.5Gi' } } } },
    { database: { sqlite: { storage: { size: '9Gi' } } } },
    sqlite,
  ),
  rule('sqlite is for one replica; use postgres for more', { replicas: 1 }, { replicas: 2 }, sqlite),
  rule(
    'sqlite is for one replica, and cannot be scaled',
    { autoscaling: null },
    { autoscaling: { maxReplicas: 1 } },
    sqlite,
  ),
]

const settings = [
  rule(
    'settings are named as variables of the environment are, such as LOG_LEVEL',
    { settings: { LOG_LEVEL: 'debug' } },
    { settings: { logLevel: 'debug' } },
  ),
  rule(
    'settings cannot hold variables that the operator sets itself',
    { settings: { IDLE_TIMEOUT_MS: '300000' } },
    { settings: { PORT: '80' } },
  ),
  rule(
    'settings cannot hold secrets; name a Secret in secrets.providerSecretRefs',
    { secrets: { providerSecretRefs: [{ name: 'providers' }] } },
    { settings: { ANTHROPIC_API_KEY: 'sk-ant-…' } },
  ),
  ...['podTemplate', 'jobTemplate'].flatMap((template) =>
    ['labels', 'annotations'].map((what) =>
      rule(
        theOperators(what),
        { [template]: { [what]: { team: 'platform' } } },
        { [template]: { [what]: { 'app.kubernetes.io/name': 'gateway' } } },
      ),
    ),
  ),
]

const workload = [
  rule(
    'minReplicas cannot be more than maxReplicas',
    { autoscaling: { minReplicas: 2, maxReplicas: 5 } },
    { autoscaling: { minReplicas: 5, maxReplicas: 2 } },
  ),
  rule(
    'maxUnavailable and minAvailable exclude each other',
    { podDisruptionBudget: { minAvailable: '50%' } },
    { podDisruptionBudget: { minAvailable: 1, maxUnavailable: 1 } },
  ),
  rule(
    'maxUnavailable cannot be 0: no node could ever be drained',
    { podDisruptionBudget: { maxUnavailable: 1 } },
    { podDisruptionBudget: { maxUnavailable: '0%' } },
  ),
  rule(
    'terminationGracePeriodSeconds has to be longer than shutdownDelaySeconds',
    { drain: { shutdownDelaySeconds: 30 } },
    { drain: { shutdownDelaySeconds: 60 } },
  ),
  {
    ...rule('the name can have at most 40 characters: names of other objects are made of it', {}, {}),
    accepted: { metadata: { name: 'a'.repeat(40) } },
    refused: { metadata: { name: 'a'.repeat(41) } },
  },
]

const backups = [
  rule('at least one target is needed', backup(claim), backup()),
  rule(
    'exactly one of persistentVolumeClaim and s3 is needed',
    backup({ name: 's3', s3: { bucket: 'backups' } }),
    backup({ ...claim, s3: { bucket: 'backups' } }),
  ),
  rule(
    'exactly one of backupRef and location is needed',
    { bootstrapFrom: { backupRef: { name: 'nightly' } } },
    { bootstrapFrom: { encryptionKeySecretRef: { name: 'old-key' } } },
  ),
  change(
    'bootstrapFrom cannot be changed',
    { bootstrapFrom: { backupRef: { name: 'nightly' } } },
    { replicas: 2 },
    { bootstrapFrom: { backupRef: { name: 'weekly' } } },
  ),
  change(
    'bootstrapFrom is for creation; it can be neither added nor removed',
    {},
    { replicas: 2 },
    { bootstrapFrom: { backupRef: { name: 'nightly' } } },
  ),
]

/** What the schema alone refuses, without a rule. */
const fields = [
  rule('spec.image', { image: 'tollgate@sha256:0123' }, { image: 'tollgate 1.0.0' }),
  rule('spec.replicas', { replicas: 0 }, { replicas: 101 }),
  rule('spec.database.engine', {}, { database: { engine: 'mysql' } }),
  rule('spec.database.sqlite.storage.size', {}, { database: { sqlite: { storage: { size: '1.2.3Gi' } } } }, sqlite),
  rule('spec.podDisruptionBudget.maxUnavailable', {}, { podDisruptionBudget: { maxUnavailable: -1 } }),
  rule('spec.podDisruptionBudget.minAvailable', {}, { podDisruptionBudget: { minAvailable: '101%' } }),
  rule('spec.backup.schedule', backup(claim), { backup: { schedule: 'TZ=UTC 0 3 * * *', targets: [claim] } }),
  rule('spec.backup.schedule', backup(claim), { backup: { schedule: '0 0 3 * * *', targets: [claim] } }),
  rule('spec.backup.targets', backup(claim), backup(claim, claim)),
  rule(
    'spec.secrets.adminKeySecretRef.name',
    { secrets: { adminKeySecretRef: { name: 'admin.key' } } },
    { secrets: { adminKeySecretRef: { name: 'Admin' } } },
  ),
]

export const storeTrials: readonly Trial[] = [...database, ...settings, ...workload, ...backups, ...fields]
