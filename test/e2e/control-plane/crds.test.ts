import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Agent, request } from 'undici'
import { parse } from 'yaml'
import { GROUP, VERSION } from '../../../operator/api/group.ts'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { waitUntilServed } from '../../cluster/wait-until-served.ts'
import { trials } from '../../operator/api/manifests.ts'
import { postgres } from '../../operator/api/store-manifests.ts'
import { type Json, type Manifest, manifestOf } from '../../operator/api/trial.ts'

const CRDS = new URL('../../../crds', import.meta.url).pathname
const plurals = ['apikeystores', 'apikeys', 'apikeystorebackups', 'apikeystorerestores']

let cluster: ControlPlane
let namespace: string
let agent: Agent

before(async () => {
  cluster = await startControlPlane()
  agent = new Agent({ connect: { ca: cluster.ca, cert: cluster.certificate, key: cluster.key } })
  await cluster.kubectl('apply', '--server-side', '-f', CRDS)
  await waitUntilServed(cluster, plurals)
  namespace = await cluster.createNamespace()
})
after(async () => {
  await agent.close()
  await cluster.close()
})

/** The status and, of a refusal, the message. */
type Reply = readonly [status: number, message: string]

function create(manifest: Manifest, query = ''): Promise<Reply> {
  return send('POST', manifest.kind, query, 'application/json', manifest)
}

/** As if: nothing is changed. */
function tryChange({ kind, metadata }: Manifest, patch: Json): Promise<Reply> {
  return send('PATCH', kind, `/${metadata.name}?dryRun=All`, 'application/merge-patch+json', patch)
}

async function send(method: 'POST' | 'PATCH', kind: string, rest: string, type: string, body: Json): Promise<Reply> {
  const url = `${cluster.server}/apis/${GROUP}/${VERSION}/namespaces/${namespace}/${kind.toLowerCase()}s${rest}`
  const headers = { 'content-type': type }
  const response = await request(url, { method, headers, body: JSON.stringify(body), dispatcher: agent })
  const { message = '' } = (await response.body.json()) as { readonly message?: string } // safe: an object, or a Status
  return [response.statusCode, message]
}

const namespaced = (...args: readonly string[]): Promise<string> => cluster.kubectl('-n', namespace, ...args)

async function specOf(kind: string, name: string): Promise<unknown> {
  return JSON.parse(await namespaced('get', kind, name, '-o', 'jsonpath={.spec}'))
}

const store = (name: string, spec: Json = {}): Manifest => ({
  apiVersion: `${GROUP}/${VERSION}`,
  kind: 'ApiKeyStore',
  metadata: { name, namespace },
  spec: { ...postgres, ...spec },
})

test('every rule lets in what it should, and tells who breaks it what to write instead', async () => {
  for (const [index, trial] of trials.entries()) {
    const { before: earlier, accepted, refused, message, kind } = trial
    const what = `${kind}: ${message}`
    const there = { ...manifestOf(trial, {}), metadata: { name: `trial-${index}` } }
    const attempt = (patch: Json): Promise<Reply> =>
      earlier === undefined
        ? create(manifestOf(trial, patch), '?dryRun=All&fieldValidation=Strict')
        : tryChange(there, patch)
    if (earlier !== undefined) assert.deepEqual(await create(there, '?fieldValidation=Strict'), [201, ''], what)

    assert.deepEqual(await attempt(accepted), [earlier === undefined ? 201 : 200, ''], what)
    const [status, said] = await attempt(refused)
    assert.equal(status, 422, what)
    assert.ok(said.includes(message), `${what}\n${said}`)
  }
})

test('every example is taken as it is: nothing is dropped, and nothing is filled in below the top of a spec', async () => {
  const paths = globSync(`${CRDS}/examples/*.yaml`)
  assert.ok(paths.length >= 6)
  const defaults: Readonly<Record<string, Json>> = {
    ApiKeyStore: { replicas: 1 },
    ApiKeyStoreBackup: { origin: 'Manual', deletionPolicy: 'Retain' },
    ApiKeyStoreRestore: {
      preRestoreBackup: 'Required',
      revocations: 'Preserve',
      usage: 'Preserve',
      onFailure: 'Resume',
    },
  }
  for (const path of paths) {
    const { kind, metadata, spec } = parse(readFileSync(path, 'utf8')) as Manifest // safe: a manifest of ours
    await namespaced('apply', '-f', path)
    assert.deepEqual(await specOf(kind, metadata.name), { ...defaults[kind], ...spec }, path)
  }
})

test('a field that nobody knows is refused by kubectl, and dropped for who insists', async () => {
  const odd = store('odd', { replica: 3, podTemplate: { affinity: { nodeAffinity: { any: 1 } }, hostNetwork: true } })
  await assert.rejects(cluster.apply(odd), /unknown|not declared in schema/)
  assert.deepEqual(await create(odd, '?fieldValidation=Ignore'), [201, ''])
  const kept = { podTemplate: { affinity: { nodeAffinity: { any: 1 } } } }
  assert.deepEqual(await specOf('akstore', 'odd'), { ...store('odd', kept).spec, replicas: 1 })
})

test('a store is scaled as a Deployment is, and the rules hold there, too', async () => {
  await cluster.apply(store('scaled'))
  await namespaced('scale', 'akstore/scaled', '--replicas=3')
  assert.equal(((await specOf('akstore', 'scaled')) as Json)['replicas'], 3)
  const status = { replicas: 3, selector: 'app.kubernetes.io/instance=scaled' }
  await namespaced('patch', 'akstore/scaled', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }))
  const scale = ['get', 'akstore/scaled', '--subresource=scale', '-o', 'jsonpath={.status}']
  assert.deepEqual(JSON.parse(await namespaced(...scale)), status)

  await cluster.apply(store('single', { database: { engine: 'sqlite', sqlite: { storage: { size: '1Gi' } } } }))
  await assert.rejects(namespaced('scale', 'akstore/single', '--replicas=2'), /sqlite is for one replica/)
})

test('lists show how a store stands, in columns', async () => {
  await cluster.apply(store('shown'))
  const lastTransitionTime = new Date().toISOString()
  const conditions = [
    { type: 'Ready', status: 'False', reason: 'Progressing', message: 'One of two pods is ready.', lastTransitionTime },
  ]
  const status = { conditions, readyReplicas: 1, schema: { current: '012-backups' } }
  await namespaced('patch', 'akstore/shown', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }))
  const [header, row] = (await namespaced('get', 'akstore', 'shown')).split('\n')
  assert.match(header ?? '', /^NAME +READY +STATUS +REPLICAS +SCHEMA +LAST-BACKUP +AGE/)
  assert.match(row ?? '', /^shown +False +Progressing +1 +012-backups /)
  const all = await namespaced('get', 'tollgate', '-o', 'name')
  for (const plural of plurals) assert.match(all, new RegExp(`^${plural.slice(0, -1)}\\.`, 'm'))
})

test('two appliers each own their entries of a list', async () => {
  const target = (name: string): Json => ({ name, s3: { bucket: name } })
  const applyAs = async (manager: string, ...targets: readonly Json[]): Promise<Reply> => {
    const backup = { schedule: '@daily', targets }
    const query = `/shared?fieldManager=${manager}`
    return send('PATCH', 'ApiKeyStore', query, 'application/apply-patch+yaml', store('shared', { backup }))
  }
  const names = async (): Promise<string> =>
    namespaced('get', 'akstore', 'shared', '-o', 'jsonpath={.spec.backup.targets[*].name}')
  await applyAs('one', target('a'), target('b'))
  await applyAs('two', target('c'))
  assert.equal(await names(), 'a b c')
  await applyAs('one', target('b'))
  assert.equal(await names(), 'b c')
})

test('kubectl explain tells what every field is for', async () => {
  const told = await cluster.kubectl('explain', 'akstore.spec.database.engine')
  assert.match(told, /postgres for any number of replicas, sqlite for one/)
})
