import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient, type Client } from '../../../operator/client/client.ts'
import { type Connection, openConnection } from '../../../operator/client/connection.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { waitUntilServed } from '../../cluster/wait-until-served.ts'
import { until } from '../../support/until.ts'
import { type HoldingProxy, startHoldingProxy } from './holding-proxy.ts'

const MAIN = new URL('../../../bin/tollgate-operator.mjs', import.meta.url).pathname
const CRDS = new URL('../../../crds', import.meta.url).pathname
/** Faster than usual, and slow enough for a busy machine: a renewal may take as long as the next one is away. */
const LEASE = { LEASE_DURATION_MS: '15000', LEASE_RENEW_DEADLINE_MS: '10000', LEASE_RETRY_MS: '2000' }

let cluster: ControlPlane
let connection: Connection
let client: Client
const children: ChildProcess[] = []
const proxies: HoldingProxy[] = []

before(async () => {
  cluster = await startControlPlane()
  const { ca, certificate: cert, key, server } = cluster
  connection = openConnection({ readIdentity: () => Promise.resolve({ server, headers: {}, tls: { ca, cert, key } }) })
  client = createClient(connection, { fieldValidation: 'Strict' })
  await cluster.kubectl('apply', '--server-side', '-f', CRDS)
  await waitUntilServed(cluster, ['apikeystores'])
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const proxy of proxies) proxy.close()
  await connection.close()
  await cluster.close()
})

/** The program as a pod would run it. */
function operate(name: string, namespace: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: cluster.kubeconfig,
      WATCH_NAMESPACES: namespace,
      POD_NAMESPACE: namespace,
      POD_NAME: name,
      PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const ended = once(child, 'exit').then(([status]) => status as number | null) // safe: as Node documents it
  return { name, child, ended, log: () => log }
}

/** The same, whose requests can be held up. */
async function operateBehindProxy(name: string, namespace: string) {
  const proxy = await startHoldingProxy(cluster)
  proxies.push(proxy)
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server: proxy.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
    'current-context': 'proxy',
  }
  const path = `${cluster.kubeconfig}.${name}`
  await writeFile(path, JSON.stringify(config))
  return { ...operate(name, namespace, { ...LEASE, KUBECONFIG: path }), proxy }
}

const store = (name: string, namespace: string, spec: object): object => ({
  apiVersion: 'tollgate.dev/v1alpha1',
  kind: 'ApiKeyStore',
  metadata: { name, namespace },
  spec: { image: 'tollgate:0.1.0', ...spec },
})
const sqlite = (storage: object = {}): object => ({
  database: { engine: 'sqlite', sqlite: { storage: { size: '1Gi', ...storage } } },
})
const postgres = (secret: string): object => ({
  database: { engine: 'postgres', postgres: { connectionSecretRef: { name: secret } } },
})

describe('the operator', { concurrency: 2 }, () => {
  test('of two operators one leads; the other takes over from one that hangs, and what hung writes nothing more', async () => {
    const namespace = await cluster.createNamespace()
    const small = { name: 'small', namespace }
    const wish = (what: string): Promise<void> =>
      cluster.apply(store('small', namespace, { ...sqlite(), service: { annotations: { 'example.com/wish': what } } }))
    const wishOfService = async (): Promise<string | undefined> =>
      (await client.get(kinds.Service, small))?.metadata.annotations?.['example.com/wish']
    const holder = async (): Promise<string> => {
      const lease = await client.get(kinds.Lease, { namespace, name: 'tollgate-operator' })
      const { holderIdentity = '' } = (lease?.['spec'] ?? {}) as { readonly holderIdentity?: string } // safe: a Lease
      return holderIdentity.split('_')[0] ?? ''
    }
    const operators = [
      await operateBehindProxy('one', namespace),
      await operateBehindProxy('other', namespace),
    ] as const
    await wish('first')
    await until('the Deployment is made', async () => client.get(kinds.Deployment, small), 180_000)
    await until('the Service is as wished', async () => (await wishOfService()) === 'first', 180_000)
    await client.remove(kinds.Service, small)
    await until('what was deleted is made again', async () => (await wishOfService()) === 'first', 180_000)

    const leader = await holder()
    const [hanging, other] = leader === 'one' ? operators : [operators[1], operators[0]]
    assert.equal(hanging.name, leader)
    // It is stopped in the middle of a pass, with a write under way and another one to follow it.
    const late = hanging.proxy.hold(/^PATCH .*\/services\/small$/)
    await wish('late')
    await late.hasArrived
    hanging.child.kill('SIGSTOP')
    await wish('second')
    await until('the other one leads', async () => (await holder()) === other.name, 180_000)
    await until('and works', async () => (await wishOfService()) === 'second', 180_000)

    hanging.proxy.writes.length = 0
    assert.equal(await late.release(), 200, 'what was under way arrives after all')
    await until('and is set right', async () => (await wishOfService()) === 'second', 180_000)
    hanging.child.kill('SIGCONT')
    assert.equal(await hanging.ended, 1)
    assert.deepEqual(hanging.proxy.writes, [])
    assert.equal(await holder(), other.name)

    other.child.kill('SIGTERM')
    assert.equal(await other.ended, 0)
    assert.equal(await holder(), '')
    for (const operator of operators) assert.doesNotMatch(operator.log(), /a pass failed/)
  })

  test('an operator whose stores are all wrong comes to rest', async () => {
    const namespace = await cluster.createNamespace()
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'empty', namespace } }
    const taken = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'name-taken', namespace } }
    await cluster.apply(
      secret,
      { ...secret, metadata: { name: 'away', namespace }, stringData: { uri: 'postgres://nobody@127.0.0.1:1/x' } },
      { ...taken, spec: { ports: [{ port: 1 }] } },
      store('no-secret', namespace, postgres('nobody-has-it')),
      store('no-key', namespace, postgres('empty')),
      store('name-taken', namespace, postgres('away')),
      store('no-volume', namespace, sqlite({ storageClassName: 'nobody-has-it' })),
      store('no-node', namespace, postgres('away')),
    )
    const operator = operate('counted', namespace)
    const port = await until('it runs', () => /"port":(\d+),/.exec(operator.log())?.[1], 180_000)
    const count = async (metric: string): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      const lines = text.split('\n').filter((line) => line.startsWith(`tollgate_operator_${metric}{`))
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    }
    const path = 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].reason}'
    const reasons = (): Promise<string> =>
      cluster.kubectl('-n', namespace, 'get', 'akstore', '--sort-by=.metadata.name', '-o', path)
    const told = 'NameConflict SecretKeyMissing Migrating SecretMissing'
    await until('all are told', async () => (await reasons()).startsWith(told), 180_000)

    const [passes, requests] = [await count('reconcile_total'), await count('api_requests_total')]
    // Those that may come up by themselves are looked at every 15 s: in between nothing at all is done for five seconds.
    await until(
      'it rests',
      async () => {
        const atFirst = await count('reconcile_total')
        for (let second = 0; second < 5; second += 1) {
          await wait(1000)
          if ((await count('reconcile_total')) !== atFirst) return false
        }
        return true
      },
      180_000,
    )
    const passesLater = (await count('reconcile_total')) - passes
    const requestsLater = (await count('api_requests_total')) - requests
    // Ten for each pass; besides them there are the lease's and watches that end.
    assert.ok(requestsLater <= 10 * passesLater + 20, `${requestsLater} requests in ${passesLater} passes`)
    assert.doesNotMatch(operator.log(), /a pass failed/)
    operator.child.kill('SIGTERM')
    assert.equal(await operator.ended, 0)
  })
})
