import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ApiError } from '../../../operator/client/api-error.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { statusOfInvalid } from '../../../operator/plan/blamed.ts'
import { writeStatus } from '../../../operator/status/write-status.ts'
import { until } from '../../support/until.ts'
import { assertCheap, badInput } from './bad-input.ts'
import { migrationPolicies } from './migration-policies.ts'
import { startStoreScene } from './store-scene.ts'

const scene = await startStoreScene()
after(() => scene.close())
const { client, cluster, namespace, drifted, requests, reconcile } = scene
const { change, conditionOf, get, makeSecret, makeStore, templateOf, turnUntilCondition } = scene

test('a store is migrated, then rolled out, then ready, and then left alone', async () => {
  await makeStore('gate')
  await reconcile({ namespace, name: 'gate' })
  await reconcile({ namespace, name: 'gate' })
  assert.equal(await get('Deployment', 'gate'), undefined, 'no pod before the migration')
  assert.equal((await client.list(kinds.Job, { namespace })).length, 1)
  assert.equal(await conditionOf('gate', 'SchemaUpToDate'), 'False Migrating')

  await turnUntilCondition('gate', 'Ready', 'True Serving')
  assert.match(await cluster.kubectl('-n', namespace, 'get', 'akstore', 'gate'), /gate +True +Serving +2 +\d+ /)
  await cluster.kubectl('-n', namespace, 'wait', '--for=condition=Ready', '--timeout=180s', 'akstore/gate')

  const events = await cluster.kubectl('-n', namespace, 'events', '--for', 'akstore/gate')
  assert.match(events, /Normal +Serving/)
  requests.length = 0
  for (let pass = 0; pass < 10; pass += 1) await reconcile({ namespace, name: 'gate' })
  assert.deepEqual(new Set(requests), new Set(['GET']))
})

test('what somebody changes or deletes is set right, and a changed Secret replaces the pods', async () => {
  await cluster.kubectl('-n', namespace, 'set', 'env', 'deployment/gate', 'PORT=1')
  await cluster.kubectl('-n', namespace, 'delete', 'service/gate', 'serviceaccount/gate')
  await reconcile({ namespace, name: 'gate' })
  assert.match(await templateOf('gate'), /"name":"PORT","value":"8080"/)
  assert.ok((await get('Service', 'gate')) && (await get('ServiceAccount', 'gate')))
  assert.deepEqual(drifted, ['Deployment'])
  const healed = await templateOf('gate')

  await makeSecret('gate-db', { more: 'x' })
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

test('who has slept since it read a store writes no status over what another one has written meanwhile', async () => {
  const stale = (await get('ApiKeyStore', 'taken')) ?? assert.fail()
  await makeSecret('taken-encryption-key', { 'encryption-key': 'a'.repeat(64) })
  await turnUntilCondition('taken', 'Ready', 'True Serving')
  const written = writeStatus(client, stale, statusOfInvalid({}, 1, 'It has slept.'), Date.now())
  await assert.rejects(written, (error) => error instanceof ApiError && error.isConflict)
  assert.equal(await conditionOf('taken', 'Ready'), 'True Serving')
})

test('a store that is deleted takes all of its objects with it but the encryption key', async () => {
  await cluster.kubectl('-n', namespace, 'delete', 'akstore/gate', '--cascade=foreground')
  assert.equal(await reconcile({ namespace, name: 'gate' }), undefined)
  assert.equal(await get('Deployment', 'gate'), undefined)
  assert.ok(await get('Secret', 'gate-encryption-key'))
})

badInput(scene)
migrationPolicies(scene)

test('a quota that leaves no room for pods is told', async () => {
  const other = await cluster.createNamespace()
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'none', namespace: other },
    spec: { hard: { pods: '0' } },
  })
  const isCounted = '--for=jsonpath={.status.used.pods}=0'
  await cluster.kubectl('-n', other, 'wait', isCounted, '--timeout=180s', 'resourcequota/none')
  await cluster.apply({
    apiVersion: 'tollgate.dev/v1alpha1',
    kind: 'ApiKeyStore',
    metadata: { name: 'file', namespace: other },
    spec: {
      image: 'registry.example/tollgate:1',
      database: { engine: 'sqlite', sqlite: { storage: { size: '1Gi' } } },
    },
  })
  const isTold = async (): Promise<boolean> => {
    await reconcile({ namespace: other, name: 'file' })
    return (await conditionOf('file', 'Ready', other)) === 'False QuotaExceeded'
  }
  await until('the quota is told', isTold, 180_000)
  await assertCheap(scene, 'file', other)
})
