import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Client, createClient } from '../../../operator/client/client.ts'
import { type Connection, openConnection } from '../../../operator/client/connection.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import type { KubernetesObject } from '../../../operator/api/object.ts'
import { createReconcile, type Pass } from '../../../operator/reconcile.ts'
import { createRecorder } from '../../../operator/status/record-events.ts'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { createTestKubelet, type TestKubelet } from '../../cluster/test-kubelet.ts'
import { until } from '../../support/gateway.ts'
import { type PostgresServer, startPostgres } from '../../support/postgres.ts'

const CRDS = new URL('../../../crds', import.meta.url).pathname

let cluster: ControlPlane
let server: PostgresServer
let connection: Connection
let client: Client
let namespace: string
let kubelet: TestKubelet
let reconcile: Pass
let now = Date.now()
const writes: string[] = []
const drifted: string[] = []

before(async () => {
  ;[cluster, server] = await Promise.all([startControlPlane(), startPostgres()])
  await cluster.kubectl('apply', '--server-side', '-f', CRDS)
  await cluster.kubectl('wait', '--for=condition=Established', 'crd/apikeystores.tollgate.dev')
  namespace = await cluster.createNamespace()
  const { ca, certificate: cert, key } = cluster
  const readIdentity = () => Promise.resolve({ server: cluster.server, headers: {}, tls: { ca, cert, key } })
  connection = openConnection({ readIdentity })
  const counted = openConnection({ readIdentity, onAnswer: (method) => method !== 'GET' && writes.push(method) })
  after(() => counted.close())
  client = createClient(connection)
  kubelet = createTestKubelet(client, namespace)
  const clock = () => now
  const operator = createClient(counted, { fieldValidation: 'Strict' })
  reconcile = createReconcile({
    client: operator,
    now: clock,
    makeSecret: () => randomBytes(32).toString('base64'),
    askHealth: (podIp) => {
      const version = kubelet.imageAt(podIp)?.split(':')[1]
      return Promise.resolve({ canServe: true, isDatabaseConnected: true, version, schema: undefined })
    },
    recorder: createRecorder(operator, 'tests', clock),
    onDrift: (kind) => drifted.push(kind),
  })
})
after(async () => {
  await connection.close()
  await Promise.all([cluster.close(), server.close()])
})

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
}

async function conditionOf(name: string, type: string, of = namespace): Promise<string> {
  const store = await client.get(kinds.ApiKeyStore, { namespace: of, name })
  const { conditions = [] } = (store?.['status'] ?? {}) as { readonly conditions?: readonly Condition[] } // safe: its schema
  const { status, reason } = conditions.find((each) => each.type === type) ?? {}
  return `${status} ${reason}`
}

/** Operator, controllers and kubelet, turn by turn, until it is so. */
async function turnUntil(what: string, name: string, isSo: () => Promise<boolean>): Promise<void> {
  await until(
    what,
    async () => {
      await reconcile({ namespace, name })
      await kubelet.step()
      return isSo()
    },
    60_000,
  )
}

const turnUntilCondition = (name: string, type: string, expected: string) =>
  turnUntil(`${type} is ${expected}`, name, async () => (await conditionOf(name, type)) === expected)

async function get(kind: keyof typeof kinds, name: string): Promise<KubernetesObject | undefined> {
  return client.get(kinds[kind], { namespace, name })
}

/** What it runs, and of which content. */
async function templateOf(name: string): Promise<string> {
  return JSON.stringify((await get('Deployment', name))?.['spec'])
}

async function makeStore(name: string, spec: object = {}): Promise<void> {
  const uri = await server.createDatabase()
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${name}-db`, namespace },
    stringData: { uri },
  })
  await change(name, spec)
}

async function change(name: string, spec: object): Promise<void> {
  await cluster.apply({
    apiVersion: 'tollgate.dev/v1alpha1',
    kind: 'ApiKeyStore',
    metadata: { name, namespace },
    spec: {
      image: 'registry.example/tollgate:1',
      replicas: 2,
      database: { engine: 'postgres', postgres: { connectionSecretRef: { name: `${name}-db` } } },
      ...spec,
    },
  })
}

test('a store is migrated, then rolled out, then ready, and then left alone', async () => {
  await makeStore('gate')
  await reconcile({ namespace, name: 'gate' })
  await reconcile({ namespace, name: 'gate' })
  assert.equal(await get('Deployment', 'gate'), undefined, 'no pod before the migration')
  assert.equal((await client.list(kinds.Job, { namespace })).length, 1)
  assert.equal(await conditionOf('gate', 'SchemaUpToDate'), 'False Migrating')

  await turnUntilCondition('gate', 'Ready', 'True Serving')
  assert.match(await cluster.kubectl('-n', namespace, 'get', 'akstore', 'gate'), /gate +True +Serving +2 +\d+ /)
  await cluster.kubectl('-n', namespace, 'wait', '--for=condition=Ready', '--timeout=1s', 'akstore/gate')

  const events = await cluster.kubectl('-n', namespace, 'events', '--for', 'akstore/gate')
  assert.match(events, /Normal +Serving/)
  writes.length = 0
  for (let pass = 0; pass < 10; pass += 1) await reconcile({ namespace, name: 'gate' })
  assert.deepEqual(writes, [])
})

test('what somebody changes or deletes is set right, and a changed Secret replaces the pods', async () => {
  await cluster.kubectl('-n', namespace, 'set', 'env', 'deployment/gate', 'PORT=1')
  await cluster.kubectl('-n', namespace, 'delete', 'service/gate', 'serviceaccount/gate')
  await reconcile({ namespace, name: 'gate' })
  assert.match(await templateOf('gate'), /"name":"PORT","value":"8080"/)
  assert.ok((await get('Service', 'gate')) && (await get('ServiceAccount', 'gate')))
  assert.deepEqual(drifted, ['Deployment'])
  const healed = await templateOf('gate')

  const stringData = { more: 'x' }
  await cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'gate-db', namespace }, stringData })
  await reconcile({ namespace, name: 'gate' })
  assert.notEqual(await templateOf('gate'), healed)
  assert.equal((await client.list(kinds.Job, { namespace })).length, 1, 'the database is still the same')
  await turnUntilCondition('gate', 'Ready', 'True Serving')
})

test('an image whose migration fails never runs; another one heals the store', async () => {
  await change('gate', { image: 'registry.example/tollgate:broken', migration: { backoffLimit: 0 } })
  await turnUntilCondition('gate', 'Stalled', 'True MigrationFailed')
  assert.match(await templateOf('gate'), /tollgate:1"/)
  assert.equal(await conditionOf('gate', 'Available'), 'True Serving')

  await change('gate', { image: 'registry.example/tollgate:missing' })
  await turnUntilCondition('gate', 'Ready', 'False ImagePullFailed')
  await change('gate', { image: 'registry.example/tollgate:2' })
  await turnUntilCondition('gate', 'Ready', 'True Serving')
  assert.match(await templateOf('gate'), /tollgate:2"/)
  assert.equal(
    (await get('ApiKeyStore', 'gate'))?.['status'] && (await conditionOf('gate', 'SchemaUpToDate')),
    'True UpToDate',
  )
  assert.equal((await client.list(kinds.Job, { namespace })).length, 1, 'spent Jobs go')
})

test('an autoscaler takes the number of pods over as it is, and gives it back', async () => {
  await change('gate', { image: 'registry.example/tollgate:2', autoscaling: { minReplicas: 2, maxReplicas: 4 } })
  await reconcile({ namespace, name: 'gate' })
  assert.match(await templateOf('gate'), /"replicas":2/)
  assert.ok(await get('HorizontalPodAutoscaler', 'gate'))
  await cluster.kubectl('-n', namespace, 'scale', 'deployment/gate', '--replicas=3')
  await turnUntilCondition('gate', 'Ready', 'True Serving')
  assert.match(await templateOf('gate'), /"replicas":3/)

  await change('gate', { image: 'registry.example/tollgate:2', replicas: 1 })
  await turnUntilCondition('gate', 'Ready', 'True Serving')
  assert.match(await templateOf('gate'), /"replicas":1/)
  assert.deepEqual(
    [await get('HorizontalPodAutoscaler', 'gate'), await get('PodDisruptionBudget', 'gate')],
    [undefined, undefined],
  )
})

test('a paused store stays as it is, whatever its spec says', async () => {
  await change('gate', { image: 'registry.example/tollgate:2', replicas: 5, paused: true })
  await cluster.kubectl('-n', namespace, 'delete', 'service/gate')
  await reconcile({ namespace, name: 'gate' })
  assert.equal(await conditionOf('gate', 'Paused'), 'True Suspended')
  assert.match(await templateOf('gate'), /"replicas":1/)
  assert.equal(await get('Service', 'gate'), undefined)
})

test('what is missing or taken is told, and nothing of others is overwritten', async () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'taken', namespace },
    spec: { ports: [{ port: 1 }] },
  }
  await cluster.apply(service)
  await change('taken', {})
  await reconcile({ namespace, name: 'taken' })
  assert.equal(await conditionOf('taken', 'Stalled'), 'True NameConflict')
  assert.equal((await get('Service', 'taken'))?.metadata.labels, undefined)

  await cluster.kubectl('-n', namespace, 'delete', 'service/taken')
  await reconcile({ namespace, name: 'taken' })
  assert.equal(await conditionOf('taken', 'Stalled'), 'True SecretMissing')
  await makeStore('taken')
  await turnUntilCondition('taken', 'Ready', 'True Serving')

  await cluster.kubectl('-n', namespace, 'delete', 'secret/taken-encryption-key')
  await reconcile({ namespace, name: 'taken' })
  assert.equal(await conditionOf('taken', 'Stalled'), 'True EncryptionKeyMissing')
  assert.equal(await get('Secret', 'taken-encryption-key'), undefined, 'it is never made anew')
})

test('a store that is deleted takes all of its objects with it but the encryption key', async () => {
  await cluster.kubectl('-n', namespace, 'delete', 'akstore/gate', '--cascade=foreground')
  assert.equal(await reconcile({ namespace, name: 'gate' }), undefined)
  assert.equal(await get('Deployment', 'gate'), undefined)
  assert.ok(await get('Secret', 'gate-encryption-key'))
})

test('a quota that leaves no room for pods is told', async () => {
  const other = await cluster.createNamespace()
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'none', namespace: other },
    spec: { hard: { pods: '0' } },
  })
  await cluster.apply({
    apiVersion: 'tollgate.dev/v1alpha1',
    kind: 'ApiKeyStore',
    metadata: { name: 'file', namespace: other },
    spec: {
      image: 'registry.example/tollgate:1',
      database: { engine: 'sqlite', sqlite: { storage: { size: '1Gi' } } },
    },
  })
  await until('the quota is told', async () => {
    await reconcile({ namespace: other, name: 'file' })
    return (await conditionOf('file', 'Ready', other)) === 'False QuotaExceeded'
  })
})
