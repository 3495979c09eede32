import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createClient } from '../../../operator/client/client.ts'
import { openConnection } from '../../../operator/client/connection.ts'
import type { Identity } from '../../../operator/client/identity.ts'
import { readOperatorConfig } from '../../../operator/config.ts'
import { createLog } from '../../../operator/log.ts'
import { createReconcile } from '../../../operator/reconcile.ts'
import { serve } from '../../../operator/serve.ts'
import { createRecorder } from '../../../operator/status/record-events.ts'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { monitoringDefinitions } from '../../cluster/monitoring.ts'
import { waitUntilServed } from '../../cluster/wait-until-served.ts'
import { until } from '../../support/gateway.ts'
import { untilEqual } from '../../support/until-equal.ts'
import { chartPath, helm } from './helm.ts'

let cluster: ControlPlane
let folder: string
/** Where the operator of all namespaces is, where that of some is, and the namespace that it looks after. */
let namespace: string, home: string, team: string

before(async () => {
  cluster = await startControlPlane()
  folder = await mkdtemp(join(tmpdir(), 'tg-rights-'))
  const files = await monitoringDefinitions()
  await cluster.kubectl('apply', '--server-side', ...files.flatMap((file) => ['-f', file]))
  namespace = await cluster.createNamespace()
  home = await cluster.createNamespace()
  team = await cluster.createNamespace()
  await install('operator', namespace)
  await waitUntilServed(cluster, ['apikeystores', 'servicemonitors', 'prometheusrules'])
  await install(
    'small',
    home,
    `watchNamespaces={${team}}`,
    ...['crds', 'deletionProtection'].map((what) => `${what}.enabled=false`),
    'rbac.aggregate=false',
  )
})
after(async () => {
  if (!cluster.isOwn) {
    await helm('uninstall', 'operator', '-n', namespace, `--kubeconfig=${cluster.kubeconfig}`)
    await helm('uninstall', 'small', '-n', home, `--kubeconfig=${cluster.kubeconfig}`)
  }
  await cluster.close()
  await rm(folder, { recursive: true })
})

async function install(release: string, where: string, ...sets: string[]): Promise<void> {
  const flags = ['-n', where, `--kubeconfig=${cluster.kubeconfig}`, ...sets.flatMap((set) => ['--set', set])]
  await helm('upgrade', '--install', '--take-ownership', release, chartPath('tollgate'), ...flags)
}

interface Rule {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly verbs: readonly string[]
}

/** What a user may do in a namespace, as the API server sees it: `verb group/resource`. */
async function rightsOf(user: string, where: string): Promise<ReadonlySet<string>> {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: where } }
  const file = join(folder, 'review.json')
  await writeFile(file, JSON.stringify(review))
  const answer = await cluster.kubectl('create', '--validate=false', '-f', file, '-o', 'json', `--as=${user}`)
  const { status } = JSON.parse(answer) as { status: { resourceRules: readonly Rule[] } } // safe: its documented form
  return new Set(
    status.resourceRules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.flatMap((group) => resources.flatMap((name) => verbs.map((verb) => `${verb} ${group}/${name}`))),
    ),
  )
}

/** What everybody may: ask what they may. */
const isEverybodys = (right: string): boolean =>
  /^create auth(?:orization|entication)\.k8s\.io\/selfsubject/.test(right)
const own = (rights: ReadonlySet<string>): string[] => [...rights].filter((right) => !isEverybodys(right)).toSorted()
const each = (verbs: string, ...names: string[]): string[] =>
  names.flatMap((name) => verbs.split(' ').map((verb) => `${verb} ${name}`))

const READ = 'get list watch'
const KEEP = `${READ} create patch delete`
/** Everything that the operator does where there are stores. */
const wanted = [
  ...each(READ, 'tollgate.dev/apikeystores', '/pods'),
  ...each('patch', 'tollgate.dev/apikeystores/status'),
  ...each('update', 'tollgate.dev/apikeystores/finalizers'),
  ...each(KEEP, 'batch/jobs', '/services', '/serviceaccounts'),
  ...each(KEEP, 'autoscaling/horizontalpodautoscalers', 'policy/poddisruptionbudgets'),
  ...each(KEEP, 'networking.k8s.io/networkpolicies'),
  ...each(KEEP, 'monitoring.coreos.com/servicemonitors', 'monitoring.coreos.com/prometheusrules'),
  ...each(`${READ} create patch`, 'apps/deployments', '/persistentvolumeclaims'),
  ...each('get create', '/secrets'),
  ...each('create', 'events.k8s.io/events'),
].toSorted()
const leader = each('get update create', 'coordination.k8s.io/leases')

test('the operator may do what it does in every namespace, be the leader in its own, and nothing else', async () => {
  const operator = `system:serviceaccount:${namespace}:operator`
  assert.deepEqual(own(await rightsOf(operator, 'default')), wanted)
  assert.deepEqual(own(await rightsOf(operator, namespace)), [...wanted, ...leader].toSorted())
  const can = (...what: string[]): Promise<string> =>
    cluster.kubectl('auth', 'can-i', ...what, `--as=${operator}`).catch((error: Error) => error.message)
  assert.doesNotMatch(await can('list', 'secrets', '--all-namespaces'), /yes/)
  assert.doesNotMatch(await can('update', 'leases/of-somebody-else', '-n', namespace), /yes/)
  assert.match(await can('watch', 'apikeystores', '--all-namespaces'), /yes/)
})

test('an operator of some namespaces may do that there, and nothing elsewhere', async () => {
  const operator = `system:serviceaccount:${home}:small-operator`
  assert.deepEqual(own(await rightsOf(operator, team)), wanted)
  assert.deepEqual(own(await rightsOf(operator, home)), leader.toSorted())
  assert.deepEqual(own(await rightsOf(operator, namespace)), [])
})

test('who may view, edit or administer a namespace may do so with its stores', async () => {
  const where = await cluster.createNamespace()
  for (const role of ['view', 'edit', 'admin']) {
    await cluster.kubectl('-n', where, 'create', 'rolebinding', role, `--clusterrole=${role}`, `--user=${role}-user`)
  }
  const of = async (role: string): Promise<string[]> =>
    own(await rightsOf(`${role}-user`, where)).filter((right) => right.includes(' tollgate.dev/'))
  const kinds = ['apikeys', 'apikeystores', 'apikeystorebackups'].map((name) => `tollgate.dev/${name}`)
  const restores = 'tollgate.dev/apikeystorerestores'
  const write = 'create update patch delete deletecollection'
  const view = each(READ, ...kinds, restores)
  const edit = [...view, ...each(write, ...kinds), ...each('get update patch', 'tollgate.dev/apikeystores/scale')]
  const expected = { view, edit, admin: [...edit, ...each(write, restores)] }
  for (const [role, rights] of Object.entries(expected)) {
    await untilEqual(`the rights of ${role} are aggregated`, () => of(role), rights.toSorted(), 180_000)
  }
})

/** A service account, `namespace/name`, as the API server knows it. */
async function identityOf(account: string): Promise<Identity> {
  const [where = '', name = ''] = account.split('/')
  const token = (await cluster.kubectl('-n', where, 'create', 'token', name)).trim()
  return { server: cluster.server, headers: { authorization: `Bearer ${token}` }, tls: { ca: cluster.ca } }
}

/** Runs an operator without passes as a service account until it leads and has read everything; answers what it was refused. */
async function runsAs(account: string, watched: string): Promise<readonly string[]> {
  const [where, name] = account.split('/')
  const env = { POD_NAMESPACE: where, LEASE_NAME: name, WATCH_NAMESPACES: watched, PORT: '0' }
  const identity = await identityOf(account)
  const readIdentity = () => Promise.resolve(identity)
  const noPass = () => () => Promise.resolve(undefined)
  const operator = await serve(readOperatorConfig(env), createLog('silent'), 'tests', readIdentity, noPass)
  const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${operator.port}${path}`)
  try {
    let metrics = ''
    const isRefused = () => metrics.includes('code="403"')
    await until(
      'it leads and has read everything',
      async () => {
        metrics = await (await ask('/metrics')).text()
        return isRefused() || (metrics.includes('tollgate_operator_leader 1') && (await ask('/readyz')).ok)
      },
      180_000,
    )
    return metrics.split('\n').filter((line) => line.includes('code="403"'))
  } finally {
    await operator.stop()
  }
}

/** Runs passes over a store as a service account, and answers what it was refused. */
async function passesAs(account: string, where: string, store: string, passes: number): Promise<readonly string[]> {
  const identity = await identityOf(account)
  const refused: string[] = []
  const connection = openConnection({
    readIdentity: () => Promise.resolve(identity),
    onAnswer: ({ verb, status }) => void (status === 403 && refused.push(verb)),
  })
  try {
    const client = createClient(connection, { fieldValidation: 'Strict' })
    const reconcile = createReconcile({
      client,
      createReaders: () => ({ cached: client, fresh: client }),
      now: Date.now,
      operatorNamespace: where,
      makeSecret: () => 'a-secret-of-at-least-32-characters',
      askHealth: () => Promise.resolve(undefined),
      recorder: createRecorder(client, 'tests', Date.now),
      onDrift: () => undefined,
    })
    for (let pass = 0; pass < passes; pass += 1) await reconcile({ namespace: where, name: store })
  } finally {
    await connection.close()
  }
  return refused
}

const object = (name: string, where: string, spec: object) => ({
  apiVersion: 'tollgate.dev/v1alpha1',
  kind: 'ApiKeyStore',
  metadata: { name, namespace: where },
  spec: { image: 'tollgate:0.1.0', ...spec },
})
const sqlite = { database: { engine: 'sqlite', sqlite: { storage: { size: '1Gi' } } } }
const postgres = { database: { engine: 'postgres', postgres: { connectionSecretRef: { name: 'db' } } } }

for (const scope of ['all namespaces', 'some namespaces']) {
  test(`the operator of ${scope} needs no more than it may do`, async () => {
    const [account, where] =
      scope === 'all namespaces'
        ? [`${namespace}/operator`, await cluster.createNamespace()]
        : [`${home}/small-operator`, team]
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', namespace: where } }
    await cluster.apply({ ...secret, stringData: { uri: 'postgres://u:p@db.example/tollgate' } })
    const extras = { autoscaling: { maxReplicas: 3 }, networkPolicy: { enabled: true }, podDisruptionBudget: {} }
    await cluster.apply(object('file', where, sqlite), object('server', where, { ...postgres, ...extras }))
    assert.deepEqual(await runsAs(account, scope === 'all namespaces' ? '' : team), [])
    assert.deepEqual(await passesAs(account, where, 'file', 3), [])
    assert.deepEqual(await passesAs(account, where, 'server', 3), [])
    const made = [...(await kindsOf('file', where)), ...(await kindsOf('server', where))]
    assert.deepEqual([...new Set(made)].toSorted(), KINDS)
    // What is no longer wanted is deleted, and what somebody has changed is set right.
    await cluster.kubectl('-n', where, 'set', 'env', 'deployment/file', 'PORT=1')
    const monitoring = { serviceMonitor: false, prometheusRule: false }
    await cluster.apply(object('server', where, { ...postgres, monitoring }))
    assert.deepEqual(await passesAs(account, where, 'file', 2), [])
    assert.deepEqual(await passesAs(account, where, 'server', 2), [])
    assert.deepEqual(await kindsOf('server', where), ['job', 'secret', 'service', 'serviceaccount'])
  })
}

const KINDS = [
  'deployment',
  'horizontalpodautoscaler',
  'job',
  'networkpolicy',
  'persistentvolumeclaim',
  'poddisruptionbudget',
  'prometheusrule',
  'secret',
  'service',
  'serviceaccount',
  'servicemonitor',
]
/** Which kinds of objects a store has, each once. */
async function kindsOf(store: string, where: string): Promise<string[]> {
  const labels = `app.kubernetes.io/managed-by=tollgate-operator,app.kubernetes.io/instance=${store}`
  const names = await cluster.kubectl('-n', where, 'get', KINDS.join(), '-o', 'name', '-l', labels)
  return [
    ...new Set(
      names
        .trim()
        .split('\n')
        .map((name) => name.replace(/[./].*/, '')),
    ),
  ].toSorted()
}
