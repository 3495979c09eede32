import { z } from 'zod'
import { conditions } from './condition.ts'
import { flag, keyed, label, reference, secretKeyReference, text, time, whole } from './parts.ts'
import { ruled } from './rule.ts'

const source = ruled(
  z
    .object({
      backupRef: reference('An ApiKeyStoreBackup.').optional(),
      latest: z
        .object({ beforeTime: time('Not after this. Default: now.').optional() })
        .optional()
        .meta({ description: 'The newest good backup; one that was verified counts before one that was not.' }),
      location: z
        .object({
          target: label('A target of spec.backup of the store.'),
          path: text(1024, 'The path of its manifest.'),
        })
        .optional()
        .meta({ description: 'A backup that no object speaks of.' }),
    })
    .meta({ description: 'What is restored.' }),
  [
    {
      cel: '[has(self.backupRef), has(self.latest), has(self.location)].exists_one(given, given)',
      message: 'exactly one of backupRef, latest and location is needed',
      holds: ({ backupRef, latest, location }) =>
        [backupRef, latest, location].filter((given) => given !== undefined).length === 1,
    },
  ],
)

const allow = z
  .object({
    foreignStore: flag('A backup of another store.').optional(),
    olderSchema: flag('A backup of a schema that has to be migrated.').optional(),
    majorDowngrade: flag('A dump of a newer major version of PostgreSQL.').optional(),
    unverified: flag('A backup that was not verified.').optional(),
    lostEncryptionKey: flag(
      'Another encryption key: channels are then disabled until their secrets are set anew.',
    ).optional(),
  })
  .meta({ description: 'What is refused unless it is allowed here.' })

/** One restore of a store. It overwrites data. */
export const apiKeyStoreRestoreSpec = ruled(
  z
    .object({
      storeRef: reference('The store that is overwritten.'),
      source,
      acknowledgement: text(253, 'The name of the store, again: its data will be overwritten.'),
      preRestoreBackup: z
        .enum(['Required', 'BestEffort', 'Skip'])
        .default('Required')
        .meta({ description: 'Whether what is there is backed up before.' }),
      allow: allow.optional(),
      revocations: z
        .enum(['Preserve', 'FromBackup'])
        .default('Preserve')
        .meta({ description: 'Whether keys that were revoked since stay revoked.' }),
      usage: z
        .enum(['Preserve', 'FromBackup'])
        .default('Preserve')
        .meta({ description: 'Whether usage and logs since the backup are kept.' }),
      encryptionKeySecretRef: secretKeyReference('The encryption key of the backup.', 'encryption-key').optional(),
      dryRun: flag('Whether the restore is only tried, in a scratch database.').optional(),
      onFailure: z
        .enum(['Resume', 'Hold'])
        .default('Resume')
        .meta({ description: 'Whether pods are started again on the untouched database.' }),
      activeDeadlineSeconds: whole(60, 604_800, 'How long one step may take. Default: 3600.').optional(),
    })
    .meta({ description: 'What is to be restored. It cannot be changed.' }),
  [
    { cel: 'self == oldSelf', message: 'a restore cannot be changed; make another one' },
    {
      cel: 'self.acknowledgement == self.storeRef.name',
      message: 'acknowledgement has to be the name of the store, whose data will be overwritten',
      holds: ({ acknowledgement, storeRef }) => acknowledgement === storeRef.name,
    },
  ],
)

const step = z.object({
  name: label('The step.'),
  result: z.enum(['Running', 'Succeeded', 'Failed']).meta({ description: 'How it went.' }),
  startTime: time('When it began.').optional(),
  completionTime: time('When it ended.').optional(),
  message: text(1024, 'Why it failed.').optional(),
})

export const apiKeyStoreRestoreStatus = z
  .object({
    observedGeneration: whole(0, Number.MAX_SAFE_INTEGER, 'The generation of the spec that this is about.').optional(),
    conditions: conditions.optional(),
    steps: keyed(step, 'name', 16, 'What was done.').optional(),
    step: text(63, 'The step at which it is.').optional(),
    resolvedSource: z
      .object({ target: label('The target.'), path: text(1024, 'The path.'), sha256: text(64, 'The checksum.') })
      .optional()
      .meta({ description: 'What the source turned out to be.' }),
    preRestoreBackupName: text(253, 'The backup of what was there.').optional(),
    originalReplicas: whole(0, 100, 'Pods that there were.').optional(),
  })
  .meta({ description: 'What became of it.' })
