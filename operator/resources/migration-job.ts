import type { KubernetesObject, Store } from '../api/object.ts'
import { type Connection, settingsEnvironment, storageEnvironment } from './environment.ts'
import { labelsOf, owned } from './labels.ts'
import { container, placement, securityContext, volumes } from './pod.ts'

export interface MigrationJob {
  readonly name: string
  /** Whether it only looks at what is pending. */
  readonly step: 'Check' | 'Migrate'
  readonly connection: Connection
}

/**
 * Brings the schema up to what the image of the spec needs. Its result is its termination message. Without a time to
 * live: it stays until the result is in the status, or nobody would know that it was done.
 */
export function migrationJob(store: Store, { name, step, connection }: MigrationJob): KubernetesObject {
  const { image, jobTemplate, migration } = store.spec
  const run = {
    name: 'migrate',
    args: ['schema', 'up', ...(step === 'Check' ? ['--dry-run'] : []), '--json', '--result', '/dev/termination-log'],
    env: [...storageEnvironment(store, connection), ...settingsEnvironment(store)],
    ...(jobTemplate?.resources && { resources: jobTemplate.resources }),
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: owned(store, name, 'migration'),
    spec: {
      backoffLimit: 0, // what failed is tried again by another Job, so that each attempt is told
      activeDeadlineSeconds: migration?.activeDeadlineSeconds ?? 1800,
      template: {
        metadata: {
          labels: { ...jobTemplate?.labels, ...labelsOf(store, 'migration') },
          ...(jobTemplate?.annotations && { annotations: jobTemplate.annotations }),
        },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: store.name,
          automountServiceAccountToken: false,
          enableServiceLinks: false, // a Service named db would set DB_PORT
          securityContext,
          ...placement(store, jobTemplate),
          containers: [container(store, image, run)],
          volumes: volumes(store),
        },
      },
    },
  }
}
