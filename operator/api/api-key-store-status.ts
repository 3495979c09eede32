import { z } from 'zod'
import { conditions } from './condition.ts'
import { listOf, text, time, whole } from './parts.ts'

const COUNT = 1_000_000

const lastMigration = z
  .object({
    hash: text(64, 'Of the image and the database that it was for: what succeeded is not run again.'),
    step: z.enum(['Check', 'Migrate']).meta({ description: 'Whether it only looks at what is pending.' }),
    jobName: text(63, 'The Job.'),
    result: z.enum(['Running', 'Succeeded', 'Failed']).meta({ description: 'How it went.' }),
    attempts: whole(1, COUNT, 'How many Jobs there were in all; part of the name of the Job.'),
    failures: whole(0, COUNT, 'How many failed one after the other, since the spec or the Secret changed.'),
    trigger: text(64, 'Of the spec and the Secret for which failures are counted.'),
    failure: z.enum(['SchemaNewerThanImage', 'SettingsInvalid', 'DatabaseUnreachable']).optional().meta({
      description: 'Why it failed, or the one before it, where that is no fault of the migration.',
    }),
    startTime: time('When it began.'),
    completionTime: time('When it ended.').optional(),
    message: text(1024, 'Why it failed.').optional(),
  })
  .meta({ description: 'The last Job for the schema. It outlives the Job.' })

const schema = z
  .object({
    current: text(128, 'The last migration of the database.').optional(),
    pending: listOf(text(128, 'A migration.'), 256, 'What is still to be done.').optional(),
    approvedHash: text(64, 'What was approved, with the policy Manual.').optional(),
    lastMigration: lastMigration.optional(),
  })
  .meta({ description: 'The schema of the database, and the memory of the gate before a roll-out.' })

const effective = z
  .object({
    image: text(512, 'The image that is rolled out, which may be older than that of the spec.').optional(),
    replicas: whole(0, COUNT, 'Pods, as the spec or the autoscaler wants them.').optional(),
    adminKeySecret: text(253, 'The Secret of the admin key.').optional(),
    encryptionKeySecret: text(253, 'The Secret of the encryption key.').optional(),
  })
  .meta({ description: 'What holds after defaults.' })

/** What became of it. */
export const apiKeyStoreStatus = z
  .object({
    observedGeneration: whole(0, Number.MAX_SAFE_INTEGER, 'The generation of the spec that this is about.').optional(),
    conditions: conditions.optional(),
    replicas: whole(0, COUNT, 'Pods that are there.').optional(),
    readyReplicas: whole(0, COUNT, 'Pods that serve.').optional(),
    updatedReplicas: whole(0, COUNT, 'Pods of the present template.').optional(),
    selector: text(1024, 'The selector of the pods, for autoscalers.').optional(),
    endpoint: text(512, 'The URL of the gateway within the cluster.').optional(),
    version: text(64, 'The version that the pods say they are.').optional(),
    schema: schema.optional(),
    effective: effective.optional(),
  })
  .meta({ description: 'What became of it.' })

export type ApiKeyStoreStatus = z.output<typeof apiKeyStoreStatus>
