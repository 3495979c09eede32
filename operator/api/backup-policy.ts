import { z } from 'zod'
import { flag, keyed, label, listOf, quantity, reference, secretKeyReference, text, whole } from './parts.ts'
import { ruled } from './rule.ts'

/** Five fields or a macro, as a CronJob takes them; a time zone has a field of its own. */
const CRON = /^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[^\s=]+( +[^\s=]+){4})$/

const claimTarget = z
  .object({
    claimRef: reference('The claim.'),
    subPath: text(512, 'A folder of its volume.').optional(),
  })
  .meta({ description: 'A folder of a claim.' })

const bucket = z
  .object({
    bucket: text(63, 'The bucket.'),
    prefix: text(512, 'What names of objects begin with.').optional(),
    endpoint: text(2048, 'The URL of a service other than AWS.').optional(),
    region: text(64, 'The region. Default: us-east-1.').optional(),
    forcePathStyle: flag('Whether the bucket stands in the path, as most other services want it.').optional(),
    credentialsSecretRef: reference('A Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.').optional(),
    serviceAccountName: text(253, 'A service account with a role of the cloud, in place of a Secret.').optional(),
    caSecretRef: secretKeyReference('The certificates of the authorities to trust (PEM).', 'ca.crt').optional(),
  })
  .meta({ description: 'Storage that speaks S3.' })

/** Where backups go: one place. */
const target = ruled(
  z
    .object({
      name: label('What the target is called in backups and restores.'),
      persistentVolumeClaim: claimTarget.optional(),
      s3: bucket.optional(),
    })
    .meta({ description: 'One place for backups.' }),
  [
    {
      cel: 'has(self.persistentVolumeClaim) != has(self.s3)',
      message: 'exactly one of persistentVolumeClaim and s3 is needed',
      holds: ({ persistentVolumeClaim, s3 }) => (persistentVolumeClaim === undefined) !== (s3 === undefined),
    },
  ],
)

const kept = (what: string) => whole(0, 10_000, `How many ${what} are kept.`).optional()
const retention = z
  .object({
    keepLast: kept('of the newest'),
    keepHourly: kept('of the newest of an hour'),
    keepDaily: kept('of the newest of a day'),
    keepWeekly: kept('of the newest of a week'),
    keepMonthly: kept('of the newest of a month'),
    maxAgeSeconds: whole(3600, 3_153_600_000, 'How old those may become that no other rule keeps.').optional(),
    minKeep: whole(1, 1000, 'How many good ones are kept whatever the other rules say. Default: 1.').optional(),
  })
  .meta({ description: 'What is kept. What any rule keeps is kept; without rules everything is.' })

const verification = z
  .object({
    level: z
      .enum(['None', 'Checksum', 'List', 'Restore'])
      .meta({ description: 'How a backup is verified: by its checksum, by reading its contents, by restoring it.' }),
    everyN: whole(1, 1000, 'Every so many backups. Default: 1.').optional(),
  })
  .meta({ description: 'How backups are verified.' })

export const backupPolicy = z
  .object({
    schedule: z
      .string()
      .max(128)
      .regex(CRON)
      .meta({ description: 'When, as a CronJob takes it: five fields or a macro such as @daily.' }),
    timeZone: text(64, 'An IANA time zone, such as Europe/Berlin. Default: UTC.').optional(),
    suspend: flag('Whether the schedule rests.').optional(),
    targets: ruled(keyed(target, 'name', 8, 'Where backups go.'), [
      { cel: 'size(self) >= 1', message: 'at least one target is needed', holds: (targets) => targets.length > 0 },
    ]),
    retention: retention.optional(),
    verification: verification.optional(),
    activeDeadlineSeconds: whole(60, 604_800, 'How long one backup may take. Default: 3600.').optional(),
    stagingSize: quantity('Room for one dump before it is sent.').optional(),
  })
  .meta({ description: 'Scheduled backups. Left out, there are none, and the condition BackupConfigured says so.' })

/** A backup of which a new, empty database is filled. */
export const bootstrap = ruled(
  z
    .object({
      backupRef: reference('An ApiKeyStoreBackup.').optional(),
      location: z
        .object({ target: label('A target of spec.backup.'), path: text(1024, 'The path of its manifest.') })
        .optional()
        .meta({ description: 'A backup that no object speaks of.' }),
      encryptionKeySecretRef: secretKeyReference('The encryption key of the backup.', 'encryption-key').optional(),
    })
    .meta({ description: 'A backup that fills the database at creation, if that is empty. It cannot be changed.' }),
  [
    { cel: 'self == oldSelf', message: 'bootstrapFrom cannot be changed' },
    {
      cel: 'has(self.backupRef) != has(self.location)',
      message: 'exactly one of backupRef and location is needed',
      holds: ({ backupRef, location }) => (backupRef === undefined) !== (location === undefined),
    },
  ],
)

export const targetNames = (description: string) =>
  listOf(label('A target of spec.backup of the store.'), 8, description)
