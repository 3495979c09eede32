import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason } from '../../../operator/api/reasons.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { SECRET } from '../../cluster/test-kubelet.ts'
import { untilEqual } from '../../support/until-equal.ts'
import type { StoreScene } from './store-scene.ts'

interface BadInput {
  readonly reason: Reason
  /** What the message has besides what it says of the reason. */
  readonly says: RegExp
  /** Whether only somebody who changes the spec or a Secret can help. */
  readonly isStalled?: true
  readonly spec?: object
  /** What is in `<name>-db`; left out, there is none. */
  readonly connection?: Readonly<Record<string, string>>
}

const sqlite = (tag: string, storageClassName?: string): object => ({
  image: `registry.example/tollgate:${tag}`,
  replicas: 1,
  database: {
    engine: 'sqlite',
    sqlite: { storage: { size: '1Gi', ...(storageClassName !== undefined && { storageClassName }) } },
  },
})
const away = { uri: `postgres://somebody:${SECRET}@127.0.0.1:1/gateway` }

/** By the name of the store. */
const inputs = ({ server }: StoreScene): Readonly<Record<string, BadInput>> => ({
  'no-secret': { reason: 'SecretMissing', says: /It is called no-secret-db\. Create it/, isStalled: true },
  'no-key': {
    reason: 'SecretKeyMissing',
    says: /The Secret no-key-db has no uri\. Add the key/,
    isStalled: true,
    connection: { password: SECRET },
  },
  'no-url': {
    reason: 'SettingsInvalid',
    says: /DATABASE_URL: must be postgres:/,
    isStalled: true,
    connection: { uri: `${SECRET} at the usual place` },
  },
  'bad-encryption-key': {
    reason: 'SettingsInvalid',
    says: /ENCRYPTION_KEY: the key must be 32 bytes/,
    isStalled: true,
    connection: { ...away, 'encryption-key': SECRET },
    spec: { secrets: { encryptionKeySecretRef: { name: 'bad-encryption-key-db' } } },
  },
  'bad-setting': {
    reason: 'SettingsInvalid',
    says: /LOG_LEVEL: Invalid option/,
    isStalled: true,
    connection: away,
    spec: { settings: { LOG_LEVEL: SECRET } },
  },
  'no-database': { reason: 'DatabaseUnreachable', says: /nothing listens there/, connection: away },
  'bad-password': {
    reason: 'DatabaseUnreachable',
    says: /PostgreSQL refuses the user or the password\. Look at/,
    connection: { uri: `postgres://postgres:${SECRET}@127.0.0.1:${server.port}/postgres` },
  },
  'no-image-for-job': {
    reason: 'ImagePullFailed',
    says: /not found Correct spec\.image/,
    connection: away,
    spec: { image: 'registry.example/tollgate:missing' },
  },
  'no-image': { reason: 'ImagePullFailed', says: /not found Correct spec\.image/, spec: sqlite('missing') },
  'ends-at-once': {
    reason: 'CrashLooping',
    says: /ended with exit status 137 \(OOMKilled\)\. Look at their logs/,
    spec: sqlite('crashing'),
  },
  'no-database-for-pods': {
    reason: 'DatabaseUnreachable',
    says: /So say 1 of 1\. Look at the database/,
    spec: sqlite('waiting'),
  },
  'no-room': { reason: 'Unschedulable', says: /3 Insufficient cpu\. Add nodes/, spec: sqlite('homeless') },
  'no-volume': {
    reason: 'ClaimPending',
    says: /unbound immediate PersistentVolumeClaims\. Look at its events/,
    spec: sqlite('unbound', 'nobody-has-it'),
  },
  'name-taken': {
    reason: 'NameConflict',
    says: /Service name-taken\. Remove or rename/,
    isStalled: true,
    connection: away,
  },
})

/** Calls of a pass that lists for itself what the operator knows from its watches. */
const MAX_CALLS = 20

/** Passes over stores that are as bad as before: nothing is written, and none is wanted soon. */
export async function assertCheap({ reconcile, requests }: StoreScene, name: string, namespace: string): Promise<void> {
  for (let pass = 0; pass < 3; pass += 1) {
    requests.length = 0
    const pauseMs = await reconcile({ namespace, name })
    assert.deepEqual(new Set(requests), new Set(['GET']), name)
    assert.ok(requests.length <= MAX_CALLS, `${name}: ${requests.length} calls`)
    assert.ok(pauseMs !== undefined && pauseMs >= 10_000, `${name}: again after ${pauseMs} ms`)
  }
}

export function badInput(scene: StoreScene): void {
  const { change, client, cluster, kubelet, makeSecret, namespace, reconcile, conditionsOf, conditionOf } = scene
  const stores = Object.entries(inputs(scene))

  test('whatever is wrong, every store is told of in the end', async () => {
    const [apiVersion, kind] = ['v1', 'Service']
    await cluster.apply({
      apiVersion,
      kind,
      metadata: { name: 'name-taken', namespace },
      spec: { ports: [{ port: 1 }] },
    })
    for (const [name, { connection, spec = {} }] of stores) {
      if (connection) await makeSecret(`${name}-db`, connection)
      await change(name, spec)
    }
    const expected = stores.map(([name, { reason }]) => `${name}: False ${reason}`)
    const turn = async (): Promise<readonly string[]> => {
      for (const [name] of stores) await reconcile({ namespace, name })
      await kubelet.step()
      return Promise.all(stores.map(async ([name]) => `${name}: ${await conditionOf(name, 'Ready')}`))
    }
    await untilEqual('all are told', turn, expected, 300_000)
  })

  for (const [name, { says, isStalled = false, reason }] of stores) {
    test(`of the store ${name} it is told what to do, no secret is told, and it costs few calls`, async () => {
      const conditions = await conditionsOf(name)
      const { message = '' } = conditions.find(({ type }) => type === 'Ready') ?? {}
      assert.match(message, says)
      const stalled = isStalled ? `True ${reason}` : 'False NotStalled'
      assert.equal(await conditionOf(name, 'Stalled'), stalled)
      assert.ok(!JSON.stringify(conditions).includes(SECRET), 'the status')
      await assertCheap(scene, name, namespace)
    })
  }

  test('no event tells a secret', async () => {
    const events = await client.list(kinds.Event, { namespace })
    assert.ok(events.length >= stores.length)
    assert.ok(!JSON.stringify(events.filter((event) => event['reportingController'])).includes(SECRET))
  })

  test('a password that is set right brings its store up without anybody’s help', async () => {
    await makeSecret('bad-password-db', { uri: await scene.server.createDatabase() })
    await scene.turnUntilCondition('bad-password', 'Ready', 'True Serving')
    assert.equal(
      (await client.list(kinds.Job, { namespace, labelSelector: 'app.kubernetes.io/instance=bad-password' })).length,
      1,
    )
  })

  test('a Secret that may not be made is told, and is not tried again at once', async () => {
    const other = await cluster.createNamespace()
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'none', namespace: other },
      spec: { hard: { secrets: '0' } },
    })
    await cluster.kubectl(
      '-n',
      other,
      'wait',
      '--for=jsonpath={.status.hard.secrets}=0',
      '--timeout=180s',
      'resourcequota/none',
    )
    const metadata = { name: 'file', namespace: other }
    await cluster.apply({ apiVersion: 'tollgate.dev/v1alpha1', kind: 'ApiKeyStore', metadata, spec: sqlite('1') })
    const pauseMs = await reconcile(metadata)
    assert.equal(await conditionOf('file', 'Ready', other), 'False QuotaExceeded')
    assert.ok(pauseMs !== undefined && pauseMs >= 60_000, `again after ${pauseMs} ms`)
  })
}
