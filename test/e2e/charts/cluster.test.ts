import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { monitoringDefinitions } from '../../cluster/monitoring.ts'
import { ensureKubeconform } from '../../cluster/tools.ts'
import { waitUntilServed } from '../../cluster/wait-until-served.ts'
import { until } from '../../support/gateway.ts'
import { casePath, chartPath, helm, render } from './helm.ts'
import { writeSchemas } from './schemas.ts'

let cluster: ControlPlane
let folder: string
/** Where the operator is installed. */
let namespace: string

before(async () => {
  cluster = await startControlPlane()
  folder = await mkdtemp(join(tmpdir(), 'tg-charts-'))
  const files = await monitoringDefinitions()
  await cluster.kubectl('apply', '--server-side', ...files.flatMap((file) => ['-f', file]))
  namespace = await cluster.createNamespace()
  await install('operator', namespace)
  await waitUntilServed(cluster, definitions)
})
after(async () => {
  if (!cluster.isOwn) await helm('uninstall', 'operator', '-n', namespace, ...ofCluster())
  await cluster.close()
  await rm(folder, { recursive: true })
})

const definitions = ['apikeys', 'apikeystores', 'apikeystorebackups', 'apikeystorerestores'].map(
  (plural) => `${plural}.tollgate.dev`,
)

function ofCluster(): string[] {
  return [`--kubeconfig=${cluster.kubeconfig}`]
}

async function install(release: string, where: string, ...sets: string[]): Promise<void> {
  const flags = ['-n', where, ...ofCluster(), ...sets.flatMap((set) => ['--set', set])]
  await helm('upgrade', '--install', '--take-ownership', release, chartPath('tollgate'), ...flags)
}

const store = (name: string, where: string, spec: object = {}) => ({
  apiVersion: 'tollgate.dev/v1alpha1',
  kind: 'ApiKeyStore',
  metadata: { name, namespace: where },
  spec: { image: 'tollgate:0.1.0', database: { engine: 'sqlite', sqlite: { storage: { size: '1Gi' } } }, ...spec },
})

/** What it counted; throws with what it found. */
async function kubeconform(file: string, schemas: string): Promise<string> {
  const args = ['-strict', '-summary', '-schema-location', schemas, file]
  const { stdout } = await promisify(execFile)(await ensureKubeconform(), args).catch((error: { stdout: string }) => {
    throw new Error(error.stdout)
  })
  return stdout
}

const cases = [
  'tollgate-default',
  'tollgate-namespaces',
  'tollgate-production',
  'tollgate-store-sqlite',
  'tollgate-store-postgres',
]

for (const name of cases) {
  test(`the API server takes every object of ${name}, and knows every field`, async () => {
    const own = await cluster.createNamespace()
    const flags = ['-f', casePath(`${name}.yaml`), '--namespace', own, '--set', 'monitoring.dashboards.enabled=true']
    const isStore = name.startsWith('tollgate-store-')
    const items = (
      await render(isStore ? 'tollgate-store' : 'tollgate', 'tollgate', ...(isStore ? flags.slice(0, 4) : flags))
    ).map(({ metadata, ...rest }) => {
      // Those of the case exist in the snapshot only.
      const where = metadata.namespace === undefined ? {} : { namespace: own }
      return { ...rest, metadata: { ...metadata, ...where } }
    })
    assert.ok(items.length > 0)
    const file = join(folder, `${name}.json`)
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    await cluster.kubectl('apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', file)

    const versions = items.map(({ apiVersion }) => apiVersion)
    const summary = await kubeconform(file, await writeSchemas(cluster, folder, versions))
    assert.match(summary, new RegExp(`^Summary: ${items.length} resources? found .* Valid: ${items.length}, `, 'm'))
  })
}

test('a field that nobody knows would be seen by the API server and by kubeconform', async () => {
  const spec = { image: 'tollgate', replica: 2, database: { engine: 'sqlite' } }
  const file = join(folder, 'unknown.json')
  await writeFile(file, JSON.stringify({ ...store('unknown', namespace), spec }))
  const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', file]
  await assert.rejects(cluster.kubectl(...dryRun), /unknown field "spec\.replica"|field not declared in schema/)
  const schemas = await writeSchemas(cluster, folder, ['tollgate.dev/v1alpha1'])
  await assert.rejects(kubeconform(file, schemas), /additional properties 'replica' not allowed/)
})

test('a store is kept from deletion while it says so', async () => {
  const where = await cluster.createNamespace()
  await cluster.apply(store('kept', where, { deletionProtection: true }), store('loose', where))
  const remove = (name: string): Promise<string> => cluster.kubectl('-n', where, 'delete', 'akstore', name)
  // The API server goes by a policy only some moments after it was made.
  const isRefused = () =>
    cluster.kubectl('-n', where, 'delete', 'akstore', 'kept', '--dry-run=server').then(
      () => false,
      () => true,
    )
  await until('the policy is in force', isRefused, 120_000)
  await assert.rejects(remove('kept'), /the store kept is protected: set spec\.deletionProtection to false/)
  await remove('loose')
  await cluster.apply(store('kept', where, { deletionProtection: false }))
  await remove('kept')
})

test('pods of the operator are let in where pod security is restricted', async () => {
  await cluster.kubectl(
    '-n',
    namespace,
    'wait',
    '--for=create',
    'pod',
    '-l',
    'app.kubernetes.io/name=tollgate-operator',
    '--timeout=180s',
  )
})

const notes: Readonly<Record<string, readonly [chart: string, set: string, says: RegExp, saysNot: RegExp]>> = {
  'that uninstalling would delete all stores': ['tollgate', 'crds.keep=false', /deletes the CRDs/, /replicas is 1/],
  'that one replica is a pause': ['tollgate', 'replicas=1', /replicas is 1/, /deletes the CRDs/],
  'which namespaces are looked after': ['tollgate', 'watchNamespaces={a,b}', /stores of a, b\./, /all namespaces/],
  'that CRDs are left to somebody': ['tollgate', 'crds.enabled=false', /apply the files of crds/, /replicas is 1/],
  'that SQLite interrupts service': ['tollgate-store', 'database.engine=sqlite', /interrupts service/, /replicas is 1/],
  'what is not configured': [
    'tollgate-store',
    'database.engine=postgres,replicas=2',
    /names no upstream account[^]*encryption key is made[^]*no backup is configured/,
    /interrupts service|replicas is 1/,
  ],
}

for (const [what, [chart, set, says, saysNot]] of Object.entries(notes)) {
  test(`the notes tell ${what}`, async () => {
    const release = chart === 'tollgate' ? 'operator' : 'gateway'
    const flags = ['-n', namespace, ...ofCluster()]
    const text = await helm(
      'upgrade',
      '--install',
      release,
      chartPath(chart),
      '--dry-run=client',
      '--set',
      set,
      ...flags,
    )
    const [, told = ''] = text.split('\nNOTES:\n')
    assert.match(told, says)
    assert.doesNotMatch(told, saysNot)
  })
}

test('a store outlives the uninstallation of the operator, but where CRDs are not to be kept', async (t) => {
  if (!cluster.isOwn) return t.skip('the CRDs of the cluster are not ours to delete')
  const where = await cluster.createNamespace()
  await cluster.apply(store('left', where))
  const uninstall = () => helm('uninstall', 'operator', '-n', namespace, ...ofCluster())
  await uninstall()
  await cluster.kubectl('-n', where, 'get', 'akstore', 'left')
  await install('operator', namespace, 'crds.keep=false')
  await cluster.kubectl('-n', where, 'get', 'akstore', 'left')
  await uninstall()
  await cluster.kubectl('wait', '--for=delete', '--timeout=180s', 'crd', ...definitions)
  await install('operator', namespace)
})
