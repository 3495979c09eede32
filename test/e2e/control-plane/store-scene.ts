import { randomBytes } from 'node:crypto'
import type { KubernetesObject } from '../../../operator/api/object.ts'
import { type Client, createClient } from '../../../operator/client/client.ts'
import { openConnection } from '../../../operator/client/connection.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { createReconcile, type Pass } from '../../../operator/reconcile.ts'
import { createRecorder } from '../../../operator/status/record-events.ts'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { createTestKubelet, type TestKubelet, WAITING } from '../../cluster/test-kubelet.ts'
import { waitUntilServed } from '../../cluster/wait-until-served.ts'
import { type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const CRDS = new URL('../../../crds', import.meta.url).pathname

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** A control plane, a PostgreSQL, and the operator's passes over stores, one by one, as the tests ask for them. */
export interface StoreScene {
  readonly cluster: ControlPlane
  readonly server: PostgresServer
  readonly client: Client
  readonly namespace: string
  readonly kubelet: TestKubelet
  readonly reconcile: Pass
  /** The methods of what the operator asked of the API server; tests empty it. */
  readonly requests: string[]
  readonly drifted: string[]
  /** Moves the operator's clock. */
  readonly pass: (ms: number) => void
  readonly conditionsOf: (name: string, of?: string) => Promise<readonly Condition[]>
  /** `True Serving`. */
  readonly conditionOf: (name: string, type: string, of?: string) => Promise<string>
  /** Operator, controllers and kubelet, turn by turn, until it is so. */
  readonly turnUntil: (what: string, name: string, isSo: () => Promise<boolean>) => Promise<void>
  readonly turnUntilCondition: (name: string, type: string, expected: string) => Promise<void>
  readonly get: (kind: keyof typeof kinds, name: string) => Promise<KubernetesObject | undefined>
  /** What a store's Deployment runs. */
  readonly templateOf: (name: string) => Promise<string>
  readonly makeSecret: (name: string, stringData: Readonly<Record<string, string>>) => Promise<void>
  /** A store with a database of its own, whose URL it answers. */
  readonly makeStore: (name: string, spec?: object) => Promise<string>
  /** Applies the store's spec anew. */
  readonly change: (name: string, spec: object) => Promise<void>
  readonly close: () => Promise<void>
}

export async function startStoreScene(): Promise<StoreScene> {
  const [cluster, server] = await Promise.all([startControlPlane(), startPostgres()])
  await cluster.kubectl('apply', '--server-side', '-f', CRDS)
  await waitUntilServed(cluster, ['apikeystores'])
  const namespace = await cluster.createNamespace()
  const { ca, certificate: cert, key } = cluster
  const readIdentity = () => Promise.resolve({ server: cluster.server, headers: {}, tls: { ca, cert, key } })
  const connection = openConnection({ readIdentity })
  const client = createClient(connection)
  const kubelet = createTestKubelet(client, namespace)
  let now = Date.now()
  const requests: string[] = []
  const drifted: string[] = []
  const counted = openConnection({ readIdentity, onAnswer: ({ verb }) => requests.push(verb) })
  const operator = createClient(counted, { fieldValidation: 'Strict' })
  const reconcile = createReconcile({
    client: operator,
    createReaders: () => ({ cached: operator, fresh: operator }),
    now: () => now,
    operatorNamespace: 'tollgate-system',
    makeSecret: () => randomBytes(32).toString('base64'),
    askHealth: (podIp) => {
      const version = kubelet.imageAt(podIp)?.split(':')[1]
      const isConnected = !WAITING.test(version ?? '')
      return Promise.resolve({ canServe: isConnected, isDatabaseConnected: isConnected, version, schema: undefined })
    },
    recorder: createRecorder(operator, 'tests', () => now),
    onDrift: (kind) => drifted.push(kind),
  })

  const scene: StoreScene = {
    cluster,
    server,
    client,
    namespace,
    kubelet,
    reconcile,
    requests,
    drifted,
    pass: (ms) => void (now += ms),
    async conditionsOf(name, of = namespace) {
      const store = await client.get(kinds.ApiKeyStore, { namespace: of, name })
      const { conditions = [] } = (store?.['status'] ?? {}) as { readonly conditions?: readonly Condition[] } // safe: its schema
      return conditions
    },
    async conditionOf(name, type, of) {
      const { status, reason } = (await scene.conditionsOf(name, of)).find((each) => each.type === type) ?? {}
      return `${status} ${reason}`
    },
    turnUntil: async (what, name, isSo) =>
      void (await until(
        what,
        async () => {
          await reconcile({ namespace, name })
          await kubelet.step()
          return isSo()
        },
        180_000,
      )),
    turnUntilCondition: (name, type, expected) =>
      scene.turnUntil(`${type} is ${expected}`, name, async () => (await scene.conditionOf(name, type)) === expected),
    get: (kind, name) => client.get(kinds[kind], { namespace, name }),
    templateOf: async (name) => JSON.stringify((await scene.get('Deployment', name))?.['spec']),
    makeSecret: (name, stringData) =>
      cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData }),
    async makeStore(name, spec = {}) {
      const uri = await server.createDatabase()
      await scene.makeSecret(`${name}-db`, { uri })
      await scene.change(name, spec)
      return uri
    },
    change: (name, spec) =>
      cluster.apply({
        apiVersion: 'tollgate.dev/v1alpha1',
        kind: 'ApiKeyStore',
        metadata: { name, namespace },
        spec: {
          image: 'registry.example/tollgate:1',
          replicas: 2,
          database: { engine: 'postgres', postgres: { connectionSecretRef: { name: `${name}-db` } } },
          ...spec,
        },
      }),
    async close() {
      await Promise.all([connection.close(), counted.close()])
      await Promise.all([cluster.close(), server.close()])
    },
  }
  return scene
}
