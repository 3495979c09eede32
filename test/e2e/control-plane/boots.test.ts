import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts'

let cluster: ControlPlane

before(async () => {
  cluster = await startControlPlane()
})
after(() => cluster.close())

const security = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
const pod = (user: number) => ({
  restartPolicy: 'Never',
  securityContext: { runAsNonRoot: true, runAsUser: user, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [{ name: 'main', image: 'localhost/nothing:1', securityContext: security }],
})

test('a Job gets its pod in a namespace, and what is deleted is collected with what it owns', async () => {
  const namespace = await cluster.createNamespace()
  const spec = { template: { spec: pod(1000) } }
  await cluster.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once', namespace }, spec })
  const wait = ['-n', namespace, 'wait', '--timeout=180s']
  await cluster.kubectl(...wait, '--for=create', 'pod', '-l', 'job-name=once')
  await cluster.kubectl('-n', namespace, 'delete', 'job', 'once')
  await cluster.kubectl(...wait, '--for=delete', 'pod', '-l', 'job-name=once')
})

test('a restricted namespace refuses a pod that runs as root', async () => {
  const namespace = await cluster.createNamespace()
  const metadata = { name: 'root', namespace }
  await assert.rejects(
    cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: pod(0) }),
    /violates PodSecurity "restricted:latest"/,
  )
})

test('an API server that was stopped comes back with what it had', async (t) => {
  if (!cluster.isOwn) return t.skip('the cluster is not ours to stop')
  const namespace = await cluster.createNamespace()
  await cluster.stopApiServer()
  await assert.rejects(cluster.kubectl('get', 'namespace', namespace), /connection to the server .* was refused/)
  await cluster.startApiServer()
  await cluster.kubectl('get', 'namespace', namespace)
})
