import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConditionType, Reason } from '../../../operator/api/reasons.ts'
import type { Observed, PodSeen } from '../../../operator/plan/observed.ts'
import { planFor } from '../../../operator/plan/plan.ts'
import {
  applied,
  deploymentSeen,
  migrated,
  observedOf,
  postgresSpec,
  provided,
  secret,
  sqliteSpec,
  storeOf,
} from '../../support/stores.ts'

const store = storeOf(postgresSpec)
const running = applied(store, migrated(store, provided()))

function conditionsOf(observed: Observed, of = store): Readonly<Record<ConditionType, string>> {
  const { findings } = planFor(of, observed).status
  const words = Object.entries(findings).map(([type, { status, reason }]) => [type, `${status} ${reason}`])
  return Object.fromEntries(words) as Record<ConditionType, string> // safe: of the findings' own types
}

test('a store at rest asks for nothing, and says that it serves', () => {
  const plan = planFor(store, running)
  assert.deepEqual([plan.create, plan.apply, plan.drifted, plan.remove], [[], [], [], []])
  assert.deepEqual(conditionsOf(running), {
    Ready: 'True Serving',
    Available: 'True Serving',
    DatabaseReachable: 'Unknown DatabaseUnknown',
    SchemaUpToDate: 'True UpToDate',
    BackupConfigured: 'False NotConfigured',
    LastBackupSucceeded: 'Unknown NoBackup',
    BackupVerified: 'Unknown NoBackup',
    Reconciling: 'False Done',
    Stalled: 'False NotStalled',
    Paused: 'False NotSuspended',
    RestoreInProgress: 'False NoRestore',
  })
})

test('Secrets are made before anything that reads them', () => {
  const { create, apply, requeueAfterMs } = planFor(store, observedOf())
  assert.deepEqual(
    create.map(({ kind, metadata }) => [kind, metadata.name, metadata.ownerReferences?.length ?? 0]),
    [
      ['Secret', 'gate-admin-key', 1],
      ['Secret', 'gate-encryption-key', 0], // outlives the store, as the database does
    ],
  )
  assert.deepEqual(apply, [])
  assert.ok(requeueAfterMs < 1000)
})

test('an image that is new waits for its migration, and the pods keep the one that they have', () => {
  const newer = storeOf({ ...postgresSpec, image: 'registry.example/tollgate:2', replicas: 3 })
  const { create, apply } = planFor(newer, running)
  assert.deepEqual(
    create.map(({ kind }) => kind),
    ['Job'],
  )
  const text = JSON.stringify(apply)
  assert.ok(text.includes('"replicas":3') && text.includes('tollgate:1') && !text.includes('tollgate:2'), text)
  assert.equal(conditionsOf(running, newer).Ready, 'False Migrating')
  assert.equal(conditionsOf(running, newer).Available, 'True Serving')

  const after = planFor(newer, migrated(newer, running))
  assert.ok(JSON.stringify(after.apply).includes('tollgate:2'))
})

const pod: PodSeen = { name: 'gate-1', isReady: true, isEnding: false, trouble: undefined, health: undefined }
const health = { canServe: true, isDatabaseConnected: true, version: '1.0.0', schema: '8' }
const starting = deploymentSeen({ ready: 0, updated: 1, isRolledOut: false })
const troubled = (reason: NonNullable<PodSeen['trouble']>['reason'], message = 'so it is.'): Partial<Observed> => ({
  deployment: starting,
  pods: [{ ...pod, isReady: false, trouble: { reason, message } }],
})

const cases: Readonly<Record<string, readonly [Partial<Observed>, ConditionType, `${string} ${Reason}`]>> = {
  'a connection that is not there': [
    { secrets: new Map([...running.secrets].filter(([name]) => name !== 'db')) },
    'Stalled',
    'True SecretMissing',
  ],
  'a connection without a host': [
    { secrets: new Map([...running.secrets, secret('db', 'password')]) },
    'Stalled',
    'True SecretKeyMissing',
  ],
  'an encryption key that has gone': [
    { secrets: new Map([...running.secrets].filter(([name]) => name !== 'gate-encryption-key')) },
    'Stalled',
    'True EncryptionKeyMissing',
  ],
  'a name that is taken': [{ strangers: ['Service gate'] }, 'Stalled', 'True NameConflict'],
  'an image that nobody has': [troubled('ImagePullFailed'), 'Ready', 'False ImagePullFailed'],
  'pods whose data have no volume': [
    {
      ...troubled('Unschedulable', 'pod has unbound immediate PersistentVolumeClaims.'),
      isClaimPending: true,
    },
    'Ready',
    'False ClaimPending',
  ],
  'pods for which there is no room, and whose claim waits for them': [
    { ...troubled('Unschedulable', 'Insufficient cpu.'), isClaimPending: true },
    'Ready',
    'False Unschedulable',
  ],
  'pods that end at once': [troubled('CrashLooping'), 'Ready', 'False CrashLooping'],
  'a quota': [
    { deployment: deploymentSeen({ ready: 0, trouble: { reason: 'QuotaExceeded', message: 'pods: 0.' } }) },
    'Ready',
    'False QuotaExceeded',
  ],
  'pods that start': [{ deployment: starting }, 'Ready', 'False Progressing'],
  'a Deployment whose controller sleeps': [
    { deployment: deploymentSeen({ isObserved: false }) },
    'Ready',
    'False Progressing',
  ],
  'pods that fell ill': [{ deployment: deploymentSeen({ ready: 1 }) }, 'Ready', 'False PodsNotReady'],
  'pods of which none is well': [{ deployment: deploymentSeen({ ready: 0 }) }, 'Ready', 'False NoPodReady'],
  'no pods at all, as wanted': [
    { deployment: deploymentSeen({ wanted: 0, replicas: 0, ready: 0, updated: 0 }) },
    'Ready',
    'True ScaledToZero',
  ],
  'two versions': [
    {
      pods: [
        { ...pod, health },
        { ...pod, health: { ...health, version: '1.1.0' } },
      ],
    },
    'Ready',
    'False MixedVersions',
  ],
  'pods that have lost the database': [
    { pods: [{ ...pod, health: { ...health, isDatabaseConnected: false } }] },
    'DatabaseReachable',
    'False DatabaseUnreachable',
  ],
  'new pods that do not get to it, while an old one serves': [
    {
      deployment: { ...starting, ready: 1 },
      pods: [
        { ...pod, health },
        { ...pod, isReady: false, health: { ...health, canServe: false, isDatabaseConnected: false } },
      ],
    },
    'Ready',
    'False DatabaseUnreachable',
  ],
  'pods that reach it': [{ pods: [{ ...pod, health }] }, 'DatabaseReachable', 'True DatabaseReachable'],
  'a store on its way out': [{ isDeleting: true }, 'Ready', 'False Deleting'],
}

for (const [what, [change, type, expected]] of Object.entries(cases)) {
  test(`of ${what} the status says ${expected}`, () => {
    const observed = { ...running, ...change }
    assert.equal(conditionsOf(observed)[type], expected)
    const { remove } = planFor(store, observed)
    assert.deepEqual(remove, [], 'nothing is removed for it')
  })
}

test('a store that lacks something is left as it is', () => {
  const damaged = { ...running, children: [], strangers: ['Service gate'] }
  const { create, apply } = planFor(store, damaged)
  assert.deepEqual([create, apply], [[], []])
})

test('what somebody else has changed is set right, and told', () => {
  const children = running.children.map((child) => (child.kind === 'Service' ? { ...child, spec: {} } : child))
  const { apply, drifted } = planFor(store, { ...running, children })
  assert.deepEqual(
    apply.map(({ object }) => object.kind),
    ['Service', 'Service'],
  )
  assert.equal(drifted.length, 2)
})

test('what a store no longer asks for is removed, but never its data or its pods', () => {
  const single = storeOf({ ...postgresSpec, replicas: 1 })
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'gate-data' } }
  const { remove } = planFor(single, { ...running, children: [...running.children, claim] })
  assert.deepEqual(
    remove.map(({ kind }) => kind),
    ['PodDisruptionBudget'],
  )
})

test('a paused store changes nothing, not even its memory', () => {
  const paused = storeOf({ ...postgresSpec, image: 'registry.example/tollgate:2', paused: true })
  const plan = planFor(paused, { ...running, children: [] })
  assert.deepEqual([plan.create, plan.apply, plan.remove], [[], [], []])
  assert.deepEqual(plan.status.schema, running.status.schema)
  const { Paused, Ready, Reconciling } = conditionsOf({ ...running, children: [] }, paused)
  assert.deepEqual([Paused, Ready, Reconciling], ['True Suspended', 'False Migrating', 'False Suspended'])
})

test('an autoscaler gets the number of pods handed over, and is then left alone', () => {
  const scaled = storeOf({ ...postgresSpec, autoscaling: { maxReplicas: 5 } })
  const [first, ...others] = planFor(scaled, running).apply
  assert.deepEqual([first?.manager, first?.object['spec']], ['tollgate-operator-replicas', { replicas: 2 }])
  const deployment = others.find(({ object }) => object.kind === 'Deployment')?.object
  assert.ok(deployment && !('replicas' in (deployment['spec'] as object))) // safe: the spec of a Deployment
  const later = { ...running, deployment: deploymentSeen({ isSizedByUs: false }) }
  assert.ok(planFor(scaled, later).apply.every(({ manager }) => manager === undefined))
})

test('a changed Secret replaces the pods', () => {
  const secrets = new Map([...running.secrets, ['db', { hash: 'another', keys: new Set(['uri']) }] as const])
  const kinds = planFor(store, { ...running, secrets }).apply.map(({ object }) => object.kind)
  assert.deepEqual(kinds, ['Deployment'])
})

test('what keeps the pod of SQLite from migrating its file is told of the schema, too', () => {
  const file = storeOf(sqliteSpec)
  const observed = { ...applied(file, provided()), ...troubled('SchemaNewerThanImage') }
  const { SchemaUpToDate, Ready } = conditionsOf(observed, file)
  assert.deepEqual([SchemaUpToDate, Ready], ['False SchemaNewerThanImage', 'False SchemaNewerThanImage'])
})

test('a store of SQLite needs no Job: its one pod migrates the file', () => {
  const file = storeOf(sqliteSpec)
  const { create, apply } = planFor(file, provided())
  assert.deepEqual(create, [])
  assert.deepEqual(
    apply.map(({ object }) => object.kind),
    ['ServiceAccount', 'PersistentVolumeClaim', 'Service', 'Service', 'ServiceMonitor', 'PrometheusRule', 'Deployment'],
  )
})
