import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { createClient, type Client } from '../../../operator/client/client.ts'
import { type Connection, openConnection } from '../../../operator/client/connection.ts'
import { kinds } from '../../../operator/client/kinds.ts'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'
import { until } from '../../support/until.ts'

const MAIN = new URL('../../../bin/tollgate-operator.mjs', import.meta.url).pathname
const CRDS = new URL('../../../crds', import.meta.url).pathname

let cluster: ControlPlane
let connection: Connection
let client: Client
let namespace: string
const children: ChildProcess[] = []

before(async () => {
  cluster = await startControlPlane()
  const { ca, certificate: cert, key, server } = cluster
  connection = openConnection({ readIdentity: () => Promise.resolve({ server, headers: {}, tls: { ca, cert, key } }) })
  client = createClient(connection, { fieldValidation: 'Strict' })
  await cluster.kubectl('apply', '--server-side', '-f', CRDS)
  await cluster.kubectl('wait', '--for=condition=Established', 'crd/apikeystores.tollgate.dev')
  namespace = await cluster.createNamespace()
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await connection.close()
  await cluster.close()
})

/** The program as a pod would run it, with a lease that is fast. */
function operate(name: string) {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env['PATH'],
      KUBECONFIG: cluster.kubeconfig,
      WATCH_NAMESPACES: namespace,
      POD_NAMESPACE: namespace,
      POD_NAME: name,
      LEASE_DURATION_MS: '4000',
      LEASE_RENEW_DEADLINE_MS: '2500',
      LEASE_RETRY_MS: '500',
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const ended = once(child, 'exit').then(([status]) => status as number | null) // safe: as Node documents it
  return { name, child, ended, log: () => log }
}

async function holder(): Promise<string> {
  const lease = await client.get(kinds.Lease, { namespace, name: 'tollgate-operator' })
  const { holderIdentity = '' } = (lease?.['spec'] ?? {}) as { readonly holderIdentity?: string } // safe: a Lease
  return holderIdentity.split('_')[0] ?? ''
}

const place = { name: 'small' }
async function wish(annotation: string): Promise<void> {
  await cluster.apply({
    apiVersion: 'tollgate.dev/v1alpha1',
    kind: 'ApiKeyStore',
    metadata: { ...place, namespace },
    spec: {
      image: 'tollgate:0.1.0',
      database: { engine: 'sqlite', sqlite: { storage: { size: '1Gi' } } },
      service: { annotations: { 'example.com/wish': annotation } },
    },
  })
}
async function wishOfService(): Promise<string | undefined> {
  const service = await client.get(kinds.Service, { ...place, namespace })
  return service?.metadata.annotations?.['example.com/wish']
}

test('of two operators one leads; the other takes over from one that hangs, and what hung ends', async () => {
  const operators = [operate('one'), operate('other')] as const
  await wish('first')
  await until('the Deployment is made', async () => client.get(kinds.Deployment, { ...place, namespace }), 60_000)
  await until('the Service is as wished', async () => (await wishOfService()) === 'first')
  await client.remove(kinds.Service, { ...place, namespace })
  await until('what was deleted is made again', async () => (await wishOfService()) === 'first')

  const leader = await holder()
  const [hanging, other] = leader === 'one' ? operators : [operators[1], operators[0]]
  assert.equal(hanging.name, leader)
  hanging.child.kill('SIGSTOP')
  await wish('second')
  await until('the other one leads', async () => (await holder()) === other.name, 30_000)
  await until('and works', async () => (await wishOfService()) === 'second')
  hanging.child.kill('SIGCONT')
  assert.equal(await hanging.ended, 1)
  assert.equal(await holder(), other.name)

  other.child.kill('SIGTERM')
  assert.equal(await other.ended, 0)
  assert.equal(await holder(), '')
  for (const operator of operators) assert.doesNotMatch(operator.log(), /a pass failed/)
})
