import { z } from 'zod'
import { backupPolicy, bootstrap } from './backup-policy.ts'
import { database } from './database.ts'
import { flag, keyed, reference, secretKeyReference, texts, whole } from './parts.ts'
import { podTemplate } from './pod-template.ts'
import { ruled } from './rule.ts'
import {
  autoscaling,
  drain,
  imagePullSecrets,
  migration,
  monitoring,
  networkPolicy,
  podDisruptionBudget,
  service,
} from './workload.ts'

/** Variables of the proxy that the operator sets itself, or that hold a secret. */
const reservedSettings = [
  'DATABASE_URL',
  'DATABASE_DIRECT_URL',
  'DATABASE_PATH',
  'DATA_DIR',
  'DATA_FILE',
  'DB_HOST',
  'DB_NAME',
  'DB_PASSWORD',
  'DB_PORT',
  'DB_SSLMODE',
  'DB_SSLROOTCERT',
  'DB_STATEMENT_TIMEOUT_MS',
  'DB_USER',
  'ENCRYPTION_KEY',
  'HOST',
  'METRICS_PORT',
  'POOL_MAX_CONNECTIONS',
  'PORT',
  'SHUTDOWN_DELAY_MS',
  'SHUTDOWN_GRACE_MS',
  'SKIP_MIGRATION',
  'SPOOL_DIR',
  'STORAGE_TYPE',
]

const settings = ruled(
  texts(128, 4096, 'Variables of the proxy that hold no secret, such as LOG_LEVEL; see docs/configuration.md.'),
  [
    {
      cel: "self.all(k, k.matches('^[A-Z][A-Z0-9_]*$'))",
      message: 'settings are named as variables of the environment are, such as LOG_LEVEL',
      holds: (map) => Object.keys(map).every((name) => /^[A-Z][A-Z0-9_]*$/.test(name)),
    },
    {
      cel: `self.all(k, !(k in [${reservedSettings.map((name) => `'${name}'`).join(', ')}]))`,
      message: 'settings cannot hold variables that the operator sets itself',
      holds: (map) => Object.keys(map).every((name) => !reservedSettings.includes(name)),
    },
    {
      cel: "self.all(k, !k.endsWith('_API_KEY'))",
      message: 'settings cannot hold secrets; name a Secret in secrets.providerSecretRefs',
      holds: (map) => Object.keys(map).every((name) => !name.endsWith('_API_KEY')),
    },
  ],
)

const secrets = z
  .object({
    adminKeySecretRef: secretKeyReference(
      'An admin key of at least 16 characters. Left out, one is made in the Secret <name>-admin-key.',
      'admin-key',
    ).optional(),
    encryptionKeySecretRef: secretKeyReference(
      'The key under which secrets of channels are encrypted. Left out, one is made in the Secret <name>-encryption-key.',
      'encryption-key',
    ).optional(),
    providerSecretRefs: keyed(
      reference('A Secret whose keys are variables of the proxy, such as ANTHROPIC_API_KEY.'),
      'name',
      16,
      'Upstream accounts.',
    ).optional(),
  })
  .meta({ description: 'What the proxies need and nobody else may know.' })

const deletion = z
  .object({
    finalBackup: flag('Whether a backup is made before the store goes. Default: false.').optional(),
    finalBackupTimeoutSeconds: whole(
      60,
      86_400,
      'How long it may take; after that the store goes without. Default: 3600.',
    ).optional(),
  })
  .meta({ description: 'What happens when the store is deleted.' })

/** What a platform team says of one gateway. */
export const apiKeyStoreSpec = ruled(
  z
    .object({
      image: z
        .string()
        .min(1)
        .max(512)
        .regex(/^\S+$/)
        .meta({ description: 'The image of the proxies and their Jobs; a tag, or better a digest.' }),
      imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional().meta({ description: 'As in a PodSpec.' }),
      imagePullSecrets: imagePullSecrets.optional(),
      replicas: whole(0, 100, 'Pods, where autoscaling is left out.').default(1),
      autoscaling: autoscaling.optional(),
      database,
      migration: migration.optional(),
      backup: backupPolicy.optional(),
      bootstrapFrom: bootstrap.optional(),
      secrets: secrets.optional(),
      settings: settings.optional(),
      podTemplate: podTemplate('What else the pods of the proxies have.').optional(),
      jobTemplate: podTemplate('What else the pods of Jobs have.').optional(),
      service: service.optional(),
      networkPolicy: networkPolicy.optional(),
      podDisruptionBudget: podDisruptionBudget.optional(),
      monitoring: monitoring.optional(),
      drain: drain.optional(),
      paused: flag('Whether everything stays as it is, whatever the rest says.').optional(),
      deletionProtection: flag(
        'Whether the store is kept from deletion, by the admission policy of the chart.',
      ).optional(),
      deletion: deletion.optional(),
    })
    .meta({ description: 'What the gateway is to be.' }),
  [
    {
      cel: "self.database.engine != 'sqlite' || self.replicas <= 1",
      message: 'sqlite is for one replica; use postgres for more',
      holds: ({ database: { engine }, replicas }) => engine !== 'sqlite' || replicas <= 1,
    },
    {
      cel: "self.database.engine != 'sqlite' || !has(self.autoscaling)",
      message: 'sqlite is for one replica, and cannot be scaled',
      holds: ({ database: { engine }, autoscaling: scaled }) => engine !== 'sqlite' || scaled === undefined,
    },
    {
      cel: 'has(self.bootstrapFrom) == has(oldSelf.bootstrapFrom)',
      message: 'bootstrapFrom is for creation; it can be neither added nor removed',
    },
  ],
)

export type ApiKeyStoreSpec = z.output<typeof apiKeyStoreSpec>
