import type { KubernetesObject, Store } from '../api/object.ts'
import { type Connection, HTTP_PORT, METRICS_PORT, proxyEnvironment, storageEnvironment } from './environment.ts'
import { CONFIG_HASH, labelsOf, owned, selectorOf } from './labels.ts'
import { container, placement, securityContext, spreading, volumes } from './pod.ts'

export interface Workload {
  /** That is to run: not yet that of the spec while its migration is not done. */
  readonly image: string
  /** Of everything that the pods read when they start, so that a change of it replaces them. */
  readonly configHash: string
  /** Undefined leaves the number to an autoscaler. */
  readonly replicas: number | undefined
  /** Undefined for SQLite. */
  readonly connection: Connection | undefined
}

export function deployment(store: Store, { image, configHash, replicas, connection }: Workload): KubernetesObject {
  const { database, podTemplate } = store.spec
  const isSqlite = database.engine === 'sqlite'
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: owned(store),
    spec: {
      ...(replicas !== undefined && { replicas }),
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorOf(store) },
      // Two processes cannot share an SQLite file; of the others none goes before its successor serves.
      strategy: isSqlite
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: {
          labels: { ...podTemplate?.labels, ...labelsOf(store) },
          annotations: { ...podTemplate?.annotations, [CONFIG_HASH]: configHash },
        },
        spec: podSpec(store, image, connection),
      },
    },
  }
}

function podSpec(store: Store, image: string, connection: Connection | undefined) {
  const { database, drain, podTemplate, secrets } = store.spec
  const envFrom = secrets?.providerSecretRefs?.map(({ name }) => ({ secretRef: { name } }))
  const up = {
    name: 'schema',
    args: ['schema', 'up', '--json', '--result', '/dev/termination-log'],
    env: storageEnvironment(store, undefined),
  }
  return {
    serviceAccountName: store.name,
    automountServiceAccountToken: false,
    enableServiceLinks: false, // a Service named db would set DB_PORT
    terminationGracePeriodSeconds: drain?.terminationGracePeriodSeconds ?? 60,
    securityContext,
    ...placement(store, podTemplate),
    ...spreading(store),
    ...(database.engine === 'sqlite' && { initContainers: [container(store, image, up)] }),
    containers: [
      container(store, image, {
        name: 'proxy',
        args: ['serve'],
        env: proxyEnvironment(store, connection),
        ...(envFrom && { envFrom }),
        ports: [
          { name: 'http', containerPort: HTTP_PORT },
          { name: 'metrics', containerPort: METRICS_PORT },
        ],
        ...(podTemplate?.resources && { resources: podTemplate.resources }),
        ...probes,
      }),
    ],
    volumes: volumes(store),
  }
}

/** Readiness asks whether calls would be served; the others never look at the database, or an outage would restart all pods. */
const probes = {
  startupProbe: { httpGet: { path: '/health/live', port: 'http' }, periodSeconds: 1, failureThreshold: 120 },
  livenessProbe: {
    httpGet: { path: '/health/live', port: 'http' },
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: 6,
  },
  readinessProbe: {
    httpGet: { path: '/health/ready', port: 'http' },
    periodSeconds: 5,
    timeoutSeconds: 3,
    failureThreshold: 2,
  },
}
