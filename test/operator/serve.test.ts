import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { kinds } from '../../operator/client/kinds.ts'
import { readOperatorConfig } from '../../operator/config.ts'
import { createLog } from '../../operator/log.ts'
import type { Pass } from '../../operator/reconcile.ts'
import { serve, type Tools } from '../../operator/serve.ts'
import { startFakeApiServer } from '../support/fake-api-server.ts'
import { until } from '../support/until.ts'

/** Looked at often, and lost only to somebody who takes it: a machine that stands still for a second changes nothing. */
const LEASE = { LEASE_DURATION_MS: '60000', LEASE_RENEW_DEADLINE_MS: '40000', LEASE_RETRY_MS: '100' }

async function scene(t: TestContext) {
  const server = await startFakeApiServer()
  t.after(() => server.close())
  const stops: (() => Promise<void>)[] = []
  t.after(() => Promise.all(stops.map((stop) => stop())))
  const put = (name: string, generation = 1, status?: object, namespace = 'a') =>
    server.put({
      apiVersion: 'tollgate.dev/v1alpha1',
      kind: 'ApiKeyStore',
      metadata: { name, namespace, generation },
      ...(status && { status }),
    })
  const putPod = (phase: string, managedFields: unknown = []) =>
    server.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        namespace: 'a',
        labels: { 'app.kubernetes.io/managed-by': 'tollgate-operator', 'app.kubernetes.io/instance': 'one' },
        managedFields,
      },
      status: { phase },
    })
  async function operate(env: Readonly<Record<string, string>> = {}, pass?: (tools: Tools) => Pass) {
    const passes: string[] = []
    const config = readOperatorConfig({ ...LEASE, PORT: '0', LOG_LEVEL: 'silent', SHUTDOWN_GRACE_MS: '100', ...env })
    const readIdentity = () => Promise.resolve({ server: server.url, headers: {}, tls: {} })
    const operator = await serve(config, createLog('silent'), '1.2.3', readIdentity, (tools) => async (place) => {
      passes.push(`${place.namespace}/${place.name}`)
      return pass?.(tools)(place)
    })
    let stopped: Promise<void> | undefined
    const stop = () => (stopped ??= operator.stop())
    stops.push(stop)
    const ask = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${operator.port}${path}`)
      return { status: answer.status, text: await answer.text() }
    }
    const isReady = async () => (await ask('/readyz')).status === 200
    return { ...operator, passes, stop, ask, isReady }
  }
  return { server, put, putPod, operate }
}

test('stores are worked on when they or their children change, by the replica that leads', async (t) => {
  const { server, put, putPod, operate } = await scene(t)
  put('one')
  const first = await operate({ LEASE_RETRY_MS: '5000' }) // which is also its time to give the lease back
  await until('the first pass', () => first.passes.includes('a/one'))
  const second = await operate()
  await until('both are ready', async () => (await first.isReady()) && (await second.isReady()))

  put('one', 1, { conditions: [{ type: 'Ready', status: 'True' }] })
  await until('the condition is a metric', async () =>
    (await first.ask('/metrics')).text.includes(
      'store_condition{namespace="a",name="one",type="Ready",status="True"} 1',
    ),
  )
  assert.deepEqual(first.passes, ['a/one'], 'a status is no reason for a pass')
  putPod('Running')
  await until('the pod is a reason', () => first.passes.length === 2)
  put('two')
  put('one', 2)
  await until('both are worked on', () => first.passes.length === 4)
  assert.deepEqual(second.passes, [])
  assert.equal((await first.ask('/healthz')).status, 200)

  await first.stop()
  await until('the other one works on all', () => second.passes.length === 2)
  assert.deepEqual(new Set(second.passes), new Set(['a/one', 'a/two']))
  assert.equal(server.objects().filter(({ kind }) => kind === 'Lease').length, 1)
})

test('a pass that fails is tried again, and lists come from what is known', async (t) => {
  const { server, put, putPod, operate } = await scene(t)
  put('one')
  putPod('Running', [{ manager: 'somebody' }])
  let attempts = 0
  const seen: unknown[] = []
  const operator = await operate({}, ({ client }) => async ({ namespace }) => {
    attempts += 1
    const before = server.requests.length
    const pods = await client.list(kinds.Pod, { namespace, labelSelector: 'app.kubernetes.io/instance=one' })
    seen.push(
      pods.map(({ metadata }) => metadata.name),
      server.requests.length - before,
    )
    if (attempts === 1) throw new Error('not yet')
    return undefined
  })
  await until('it was ready', () => operator.isReady())
  await until('two attempts', () => attempts === 2)
  assert.deepEqual(seen.slice(2), [['p'], 0])
  for (const result of ['error', 'success']) {
    const counted = `reconcile_total{kind="ApiKeyStore",result="${result}"} 1`
    await until(counted, async () => (await operator.ask('/metrics')).text.includes(counted))
  }
})

test('a kind that a cluster need not know is watched while it does, from when it is first asked for', async (t) => {
  const { server, put, operate } = await scene(t)
  put('one')
  const putMonitor = (interval: string) =>
    server.put({
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata: {
        name: 'one',
        namespace: 'a',
        labels: { 'app.kubernetes.io/managed-by': 'tollgate-operator', 'app.kubernetes.io/instance': 'one' },
      },
      spec: { interval },
    })
  putMonitor('1s')
  const seen: number[] = []
  const operator = await operate({}, ({ client }) => async () => {
    seen.push((await client.list(kinds.ServiceMonitor)).length)
    return undefined
  })
  const isWatched = async () => (await operator.ask('/metrics')).text.includes('cache_objects{kind="ServiceMonitor"} 1')
  await until('it is watched', isWatched)
  const passes = operator.passes.length
  putMonitor('2s')
  await until('its change is a reason', () => operator.passes.length > passes)
  assert.deepEqual(new Set(seen), new Set([1]))
  assert.ok(await operator.isReady())

  server.setFault(({ url }) => (url.includes('servicemonitors') ? { status: 404 } : undefined))
  server.cutWatches()
  await until('it is watched no more', async () => !(await isWatched()))
  assert.ok(await operator.isReady())
})

test('a leader that another one has replaced writes nothing more', async (t) => {
  const { server, put, operate } = await scene(t)
  put('one')
  const go = Promise.withResolvers<void>()
  let outcome: unknown
  const operator = await operate({}, ({ client: leaders }) => async () => {
    await go.promise
    outcome = await leaders
      .create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'a' } })
      .catch((error: unknown) => error)
    return undefined
  })
  await until('a pass', () => operator.passes.length === 1)
  server.put({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'tollgate-operator', namespace: 'default' },
    spec: { holderIdentity: 'other', leaseDurationSeconds: 60 },
  })
  await operator.lost
  go.resolve()
  await until('the pass ends', () => outcome !== undefined)
  assert.ok(outcome instanceof Error)
  assert.equal(
    server.objects().some(({ kind }) => kind === 'Service'),
    false,
  )
})

test('only the namespaces named are looked after, and asked for', async (t) => {
  const { server, put, operate } = await scene(t)
  put('one')
  put('one', 1, undefined, 'b')
  put('one', 1, undefined, 'c')
  const operator = await operate({ WATCH_NAMESPACES: 'a, b' })
  await until('both passes', () => operator.passes.length === 2)
  assert.deepEqual(new Set(operator.passes), new Set(['a/one', 'b/one']))
  const asked = server.requests.map(({ url }) => url).filter((url) => !/^\/api.*\/namespaces\//.test(url))
  assert.deepEqual(asked, [])
})

test('an environment that makes no sense is told of at once, without its values', () => {
  assert.throws(
    () => readOperatorConfig({ WATCH_NAMESPACES: 'a,B_', PORT: 'http', LEASE_NAME: ' ' }),
    (error: Error) => /2 problem/.test(error.message) && /WATCH_NAMESPACES: .*\n.*PORT: /.test(error.message),
  )
  assert.throws(() => readOperatorConfig({ LEASE_RENEW_DEADLINE_MS: '60000' }), /must be shorter/)
  assert.throws(() => readOperatorConfig({ LEASE_RETRY_MS: '30000' }), /at most half/)
})
