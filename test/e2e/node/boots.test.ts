import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Client } from 'pg'
import { buildImage } from '../../cluster/images.ts'
import { type ClusterNode, startNode } from '../../cluster/node.ts'
import { until } from '../../support/gateway.ts'
import { startPostgres } from '../../support/postgres.ts'

const IMAGE = 'localhost/says-hello:1'
const DOCKERFILE = `FROM node:24-trixie-slim
COPY hello.mjs /
USER 10001
CMD ["node", "/hello.mjs"]
`
const PROGRAM = `import { createServer } from 'node:http'
createServer((request, response) => response.end('hello')).listen(8080)
process.on('SIGTERM', () => process.exit(0))
`

let node: ClusterNode
let namespace: string

before(async () => {
  const context = await mkdtemp(join(tmpdir(), 'tg-image-'))
  await writeFile(join(context, 'Dockerfile'), DOCKERFILE)
  await writeFile(join(context, 'hello.mjs'), PROGRAM)
  await buildImage(IMAGE, context)
  await rm(context, { recursive: true })
  node = await startNode()
  await node.loadImage(IMAGE)
  namespace = await node.createNamespace()
})
after(() => node.close())

const labels = { app: 'hello' }
const pod = (name: string, container: object, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: name } },
  spec: {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10001,
      fsGroup: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...spec,
    containers: [
      {
        name: 'main',
        image: IMAGE,
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        ...container,
      },
    ],
  },
})

/** Runs JavaScript in a pod of its own, and answers what it printed. */
async function runScript(name: string, script: string, container: object = {}, spec: object = {}): Promise<string> {
  await node.apply(pod(name, { command: ['node', '--input-type=module', '-e', script], ...container }, spec))
  const phase = ['-n', namespace, 'get', 'pod', name, '-o', 'jsonpath={.status.phase}']
  const hasEnded = async (): Promise<boolean> => /Succeeded|Failed/.test(await node.kubectl(...phase))
  await until(`the pod ${name} has ended`, hasEnded, 180_000)
  return node.kubectl('-n', namespace, 'logs', name)
}

test('an image built here runs, and answers through its Service by its name', async () => {
  const readinessProbe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 }
  const service = { selector: labels, ports: [{ port: 80, targetPort: 8080 }] }
  await node.apply(pod('hello', { readinessProbe }), {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'hello', namespace },
    spec: service,
  })
  await node.kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'pod/hello', '--timeout=180s')
  const script = `for (let left = 600; ; left--) {
    try { console.log(await (await fetch('http://hello')).text()); break } catch (error) { if (left === 0) throw error }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }`
  assert.equal(await runScript('asks', script), 'hello\n')

  const address = await node.kubectl('-n', namespace, 'get', 'service', 'hello', '-o', 'jsonpath={.spec.clusterIP}')
  const reach = () => fetch(`http://${address}`).catch(() => null)
  const answer = await until('the tests reach the Service, too', reach, 120_000)
  assert.equal(await answer.text(), 'hello')
})

test('a claim is bound to a volume that the group of a pod may write to', async () => {
  const resources = { requests: { storage: '1Gi' } }
  const claim = { accessModes: ['ReadWriteOnce'], resources }
  await node.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace },
    spec: claim,
  })
  const script = `import { readFileSync, writeFileSync } from 'node:fs'
    writeFileSync('/data/kept', 'kept'); console.log(readFileSync('/data/kept', 'utf8'))`
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
  const volumeMounts = [{ name: 'data', mountPath: '/data' }]
  assert.equal(await runScript('writes', script, { volumeMounts }, { volumes }), 'kept\n')
})

test('pods reach a PostgreSQL beside the cluster', async (t) => {
  const server = await startPostgres({ listen_addresses: `127.0.0.1,${node.hostAddress}` })
  t.after(() => server.close())
  const url = new URL(server.url('postgres'))
  url.hostname = node.hostAddress
  const client = new Client(url.href)
  await client.connect()
  await client.end()
  const script = `import { connect } from 'node:net'
    connect(${server.port}, '${node.hostAddress}').on('connect', () => { console.log('connected'); process.exit() })`
  assert.equal(await runScript('connects', script), 'connected\n')
})
