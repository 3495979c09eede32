import { createClient } from '../../operator/client/client.ts'
import { type Connection, openConnection } from '../../operator/client/connection.ts'
import { kinds } from '../../operator/client/kinds.ts'
import type { Condition } from '../../operator/api/condition.ts'
import type { KubernetesObject } from '../../operator/api/object.ts'
import { until } from '../support/until.ts'
import type { ControlPlane } from './control-plane.ts'
import { monitoringDefinitions } from './monitoring.ts'
import { createTestKubelet } from './test-kubelet.ts'
import { waitUntilServed } from './wait-until-served.ts'

const CRDS = new URL('../../crds', import.meta.url).pathname

/** Stores on PostgreSQL, each with a Secret for its database, one pod, a ServiceMonitor and a PrometheusRule. */
export interface ManyStores {
  readonly namespace: string
  /** Sets an annotation of those that are named, or more of their spec as well. */
  change(names: readonly string[], annotation: string, spec?: object): Promise<void>
  /** Plays the kubelet until all of them are ready. Nothing runs: of Jobs it is said that they ended, of proxies that they serve. */
  ready(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

/** Nobody listens there, so that asking a proxy how it is ends at once. */
const NOBODY = '127.77.0.1'
const BATCH = 50

export async function makeManyStores(cluster: ControlPlane, names: readonly string[]): Promise<ManyStores> {
  const files = [CRDS, ...(await monitoringDefinitions())].flatMap((file) => ['-f', file])
  await cluster.kubectl('apply', '--server-side', ...files)
  await waitUntilServed(cluster, ['apikeystores', 'servicemonitors', 'prometheusrules'])
  const namespace = await cluster.createNamespace()
  const connection = connectTo(cluster)
  const client = createClient(connection)
  const succeeded = { exitCode: 0, message: JSON.stringify({ to: 1, pending: [] }) }
  const kubelet = createTestKubelet(client, namespace, { run: () => Promise.resolve(succeeded), podIp: NOBODY })

  const secretOf = (name: string): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${name}-db`, namespace },
    stringData: { uri: `postgres://u:p@db.example/${name}` },
  })
  const storeOf = (name: string, annotation: string, spec: object = {}): object => ({
    apiVersion: 'tollgate.dev/v1alpha1',
    kind: 'ApiKeyStore',
    metadata: { name, namespace, annotations: { 'example.com/note': annotation } },
    spec: {
      image: 'registry.example/tollgate:1',
      replicas: 1,
      database: { engine: 'postgres', postgres: { connectionSecretRef: { name: `${name}-db` } } },
      ...spec,
    },
  })
  const areReady = async (): Promise<boolean> => {
    const stores = await client.list(kinds.ApiKeyStore, { namespace })
    return stores.length >= names.length && stores.every(isReadyNow)
  }

  for (let start = 0; start < names.length; start += BATCH) {
    const batch = names.slice(start, start + BATCH)
    await cluster.apply(...batch.map(secretOf), ...batch.map((name) => storeOf(name, 'new')))
  }
  return {
    namespace,
    change: (some, annotation, spec) => cluster.apply(...some.map((name) => storeOf(name, annotation, spec))),
    async ready(timeoutMs) {
      await until(
        'all stores are ready',
        async () => {
          await kubelet.step()
          return areReady()
        },
        timeoutMs,
      )
    },
    close: () => connection.close(),
  }
}

function isReadyNow(store: KubernetesObject): boolean {
  const { conditions = [] } = (store['status'] ?? {}) as { readonly conditions?: readonly Condition[] } // safe: its schema
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

function connectTo({ server, ca, certificate: cert, key }: ControlPlane): Connection {
  return openConnection({ readIdentity: () => Promise.resolve({ server, headers: {}, tls: { ca, cert, key } }) })
}
