import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { networkPolicy } from '../../../operator/resources/network-policy.ts'
import { storeOf, sqliteSpec } from '../../support/stores.ts'
import { casePath, chartPath, helm, render, repositoryPath } from './helm.ts'

const cases = globSync('*.yaml', { cwd: casePath('.') })
  .filter((file) => !file.endsWith('.snapshot.yaml'))
  .map((file) => basename(file, '.yaml'))
  .toSorted()
/** One of them is what is applied where there is no Helm. */
const snapshotOf = (name: string): string =>
  name === 'tollgate-default' ? repositoryPath('deploy/operator.yaml') : casePath(`${name}.snapshot.yaml`)
const chartOf = (name: string): string => (name.startsWith('tollgate-store-') ? 'tollgate-store' : 'tollgate')

for (const name of cases) {
  test(`helm lint has nothing to say of ${name}`, async () => {
    await helm('lint', '--strict', '--kube-version=1.34.0', '-f', casePath(`${name}.yaml`), chartPath(chartOf(name)))
  })

  test(`the objects of ${name} are those that were reviewed`, async () => {
    const objects = await render(chartOf(name), 'tollgate', '-f', casePath(`${name}.yaml`))
    const text = objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n')
    const path = snapshotOf(name)
    // UPDATE_SNAPSHOTS=1 writes them anew; what has changed is then to be read in the diff.
    if (process.env['UPDATE_SNAPSHOTS'] === '1') writeFileSync(path, text)
    assert.ok(existsSync(path), `${path} is missing: UPDATE_SNAPSHOTS=1`)
    assert.equal(text, readFileSync(path, 'utf8'))
  })
}

/** The paths of values, down to where a user's own words begin. */
function pathsOf(values: object, path = ''): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const inside = typeof value === 'object' && value !== null && !Array.isArray(value) && !isWhole.has(path + name)
    const names = inside ? Object.keys(value) : []
    return names.length > 0 ? pathsOf(value as object, `${path}${name}.`) : [path + name] // safe: it has names
  })
}

const isWhole = new Set(['resources', 'monitoring.dashboards.labels'])

for (const chart of ['tollgate', 'tollgate-store']) {
  test(`the README of ${chart} tells of every value`, () => {
    const readme = readFileSync(`${chartPath(chart)}/README.md`, 'utf8')
    const paths = pathsOf(parse(readFileSync(`${chartPath(chart)}/values.yaml`, 'utf8')) as object) // safe: a map
    assert.ok(paths.length > 3)
    assert.deepEqual(
      paths.filter((path) => !readme.includes(`\`${path}\``)),
      [],
    )
  })
}

const engine = 'database.engine=sqlite'
const refusals: Readonly<Record<string, readonly [chart: string, set: string, problem: RegExp]>> = {
  'a value that does not exist': ['tollgate', 'replicaCount=2', /additional properties 'replicaCount' not allowed/],
  'one that does not exist further below': ['tollgate', 'crds.install=true', /at '\/crds'.*'install' not allowed/s],
  'half a replica': ['tollgate', 'replicas=0.5', /at '\/replicas'/],
  'a digest that is none': ['tollgate', 'image.digest=latest', /at '\/image\/digest'/],
  'a namespace of a name that none can have': ['tollgate', 'watchNamespaces={Team A}', /at '\/watchNamespaces\/0'/],
  'a level that no log has': ['tollgate', 'logLevel=verbose', /at '\/logLevel'/],
  'a budget under which no node can be drained': [
    'tollgate',
    'podDisruptionBudget.maxUnavailable=0',
    /at '\/podDisruptionBudget\/maxUnavailable'/,
  ],
  'a store without a database': ['tollgate-store', 'replicas=1', /missing property 'database'/],
  'an engine that does not exist': ['tollgate-store', 'database.engine=mysql', /at '\/database\/engine'/],
  'a field that a store does not have': ['tollgate-store', `${engine},replica=2`, /'replica' not allowed/],
  'one that it does not have further below': [
    'tollgate-store',
    `${engine},database.sqlite.size=1Gi`,
    /at '\/database\/sqlite'.*'size' not allowed/s,
  ],
  'more replicas than there can be': ['tollgate-store', `${engine},replicas=101`, /at '\/replicas'/],
}

for (const [what, [chart, set, problem]] of Object.entries(refusals)) {
  test(`the values refuse ${what}`, async () => {
    await assert.rejects(render(chart, 'tollgate', '--set', set), problem)
  })
}

test('the CRDs are objects of the chart, kept where that is wanted, and left out where it is not', async () => {
  const definitions = async (...sets: string[]) =>
    (await render('tollgate', 'tollgate', ...sets.flatMap((set) => ['--set', set]))).filter(
      ({ kind }) => kind === 'CustomResourceDefinition',
    )
  const policies = (objects: Awaited<ReturnType<typeof definitions>>) =>
    objects.map(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'])
  assert.deepEqual(policies(await definitions()), ['keep', 'keep', 'keep', 'keep'])
  assert.deepEqual(policies(await definitions('crds.keep=false')), [undefined, undefined, undefined, undefined])
  assert.deepEqual(await definitions('crds.enabled=false'), [])
})

test('an operator of another name watches itself by that name', async () => {
  const flags = ['--namespace=team', '--set', 'monitoring.prometheusRule.enabled=true']
  const objects = await render('tollgate', 'gateways', ...flags)
  const rule = JSON.stringify(objects.find(({ kind }) => kind === 'PrometheusRule'))
  assert.match(rule, /absent\(\w+{namespace=\\"team\\",job=\\"gateways-operator\\"}\)/)
})

test('whoever a store lets in, the pods of the operator are let in by their labels', async () => {
  const peers = [{ namespaceSelector: { matchLabels: { team: 'a' } } }]
  const policy = networkPolicy(
    storeOf({ ...sqliteSpec, networkPolicy: { enabled: true, ingressFrom: peers } }),
    'system',
  )
  const objects = await render('tollgate', 'gateways')
  const labels = JSON.stringify(objects.find(({ kind }) => kind === 'Deployment')?.['spec'])
  const [, asked] = /"podSelector":{"matchLabels":{([^}]+)}}}\]/.exec(JSON.stringify(policy)) ?? []
  assert.ok(asked && labels.includes(asked), `${asked} of ${labels}`)
})
