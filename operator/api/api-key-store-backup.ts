import { z } from 'zod'
import { targetNames } from './backup-policy.ts'
import { conditions } from './condition.ts'
import { keyed, label, mapOf, reference, text, time, whole } from './parts.ts'
import { ruled } from './rule.ts'

/** One backup of a store. */
export const apiKeyStoreBackupSpec = ruled(
  z
    .object({
      storeRef: reference('The store.'),
      origin: z
        .enum(['Manual', 'Scheduled', 'PreMigration', 'PreRestore', 'Final'])
        .default('Manual')
        .meta({ description: 'Why it is made.' }),
      targets: targetNames('Where it goes. Default: every target of the store.').optional(),
      verification: z
        .enum(['None', 'Checksum', 'List', 'Restore'])
        .optional()
        .meta({ description: 'How it is verified. Default: as the store says.' }),
      ttlSeconds: whole(
        3600,
        3_153_600_000,
        'How long it is kept, whatever the retention of the store says.',
      ).optional(),
      activeDeadlineSeconds: whole(60, 604_800, 'How long it may take. Default: 3600.').optional(),
      deletionPolicy: z
        .enum(['Retain', 'Delete'])
        .default('Retain')
        .meta({ description: 'Whether the file goes with the object.' }),
    })
    .meta({ description: 'What is to be backed up. It cannot be changed.' }),
  [{ cel: 'self == oldSelf', message: 'a backup cannot be changed; make another one' }],
)

const location = z.object({
  target: label('The target.'),
  path: text(1024, 'The path of the manifest.'),
  result: z.enum(['Stored', 'Failed']).meta({ description: 'How it went.' }),
})
const MAX = Number.MAX_SAFE_INTEGER

export const apiKeyStoreBackupStatus = z
  .object({
    observedGeneration: whole(0, MAX, 'The generation of the spec that this is about.').optional(),
    conditions: conditions.optional(),
    startTime: time('When it began.').optional(),
    completionTime: time('When it ended.').optional(),
    expireTime: time('Until when it is kept.').optional(),
    jobName: text(63, 'The Job.').optional(),
    engine: z.enum(['postgres', 'sqlite']).optional().meta({ description: 'The engine of the store.' }),
    serverVersion: text(64, 'The version of the server.').optional(),
    toolVersion: text(64, 'The version of pg_dump.').optional(),
    schemaVersion: text(128, 'The last migration of the database.').optional(),
    sizeBytes: whole(0, MAX, 'The size of the file.').optional(),
    uncompressedBytes: whole(0, MAX, 'The size of what is in it.').optional(),
    sha256: text(64, 'The checksum of the file.').optional(),
    rows: mapOf(whole(0, MAX, 'Rows.'), 64, 'Rows by table.').optional(),
    locations: keyed(location, 'target', 8, 'Where it is.').optional(),
    encryptionKeyFingerprint: text(64, 'Of the encryption key under which secrets in it are.').optional(),
    storeUID: text(64, 'The store of which it is.').optional(),
    message: text(1024, 'Why it failed.').optional(),
  })
  .meta({ description: 'What became of it.' })
