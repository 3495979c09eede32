import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { type ManyStores, makeManyStores } from '../../cluster/many-stores.ts'
import {
  type Calls,
  callsBetween,
  type OperatorProcess,
  type Readings,
  startOperatorProcess,
} from '../../cluster/operator-process.ts'
import { until } from '../../support/until.ts'

const MAIN = new URL('../../../bin/tollgate-operator.mjs', import.meta.url).pathname
/** `npm run bench -- operator` has 300. */
const NAMES = Array.from({ length: 20 }, (_, i) => `gate-${i}`)
/** Of its database, and the two keys that are made for it. */
const SECRETS = 3
const PATIENCE_MS = 300_000

let cluster: ControlPlane
let stores: ManyStores
let operator: OperatorProcess

before(async () => {
  cluster = await startControlPlane()
  stores = await makeManyStores(cluster, NAMES)
  operator = await start()
  await stores.ready(PATIENCE_MS)
})
after(async () => {
  await operator.end('SIGKILL')
  await stores.close()
  await cluster.close()
})

function start(): Promise<OperatorProcess> {
  return startOperatorProcess(MAIN, {
    KUBECONFIG: cluster.kubeconfig,
    WATCH_NAMESPACES: stores.namespace,
    POD_NAMESPACE: stores.namespace,
  })
}

const passesOf = (readings: Readings): number => readings.sum('reconcile_total', 'result="success"')
const writesIn = (calls: Calls): Calls =>
  Object.fromEntries(Object.entries(calls).filter(([what]) => !what.startsWith('GET ')))

test('a store at rest costs its Secrets, and nothing else is asked of the API server', async () => {
  let round = 0
  const { calls, passes } = await until(
    'all is at rest',
    async () => {
      const earlier = await operator.readings()
      round += 1
      await stores.change(NAMES, `round ${round}`)
      const enough = async () => passesOf(await operator.readings()) >= passesOf(earlier) + NAMES.length
      await until('every store is looked at', enough, PATIENCE_MS)
      const later = await operator.readings()
      const seen = { calls: callsBetween(earlier, later), passes: passesOf(later) - passesOf(earlier) }
      return Object.keys(seen.calls).every((what) => ['GET secrets', 'GET of the API'].includes(what)) && seen
    },
    PATIENCE_MS,
  )
  const secrets = calls['GET secrets'] ?? 0 // none within seconds of the round before
  assert.ok(secrets <= SECRETS * (passes + 4), `${secrets} Secrets in ${passes} passes`) // four are under way
  assert.ok((calls['GET of the API'] ?? 0) <= 1)
})

test('a change of one store writes what has changed of it, and nothing of the others', async () => {
  const earlier = await operator.readings()
  await stores.change(NAMES.slice(0, 1), 'changed', { service: { annotations: { 'example.com/note': 'changed' } } })
  const writes = async (): Promise<Calls> => writesIn(callsBetween(earlier, await operator.readings()))
  await until('it is told', async () => (await writes())['PATCH apikeystores'], PATIENCE_MS)
  assert.deepEqual(await writes(), { 'PATCH services': 1, 'PATCH apikeystores': 1 })
})

test('who begins to lead reads every kind and every Secret once, and writes nothing', async () => {
  await operator.end('SIGTERM')
  operator = await start()
  const readings = await until(
    'every store is looked at',
    async () => {
      const now = await operator.readings()
      return passesOf(now) >= NAMES.length && now
    },
    PATIENCE_MS,
  )
  const calls = readings.calls()
  assert.deepEqual(writesIn(calls), {})
  for (const what of ['GET apikeystores', 'GET deployments', 'GET jobs', 'GET pods']) assert.equal(calls[what], 1, what)
  const secrets = calls['GET secrets'] ?? 0
  assert.ok(secrets >= SECRETS * NAMES.length && secrets <= SECRETS * (passesOf(readings) + 4), `${secrets} Secrets`)
})
