import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { until } from '../support/gateway.ts'
import { randomPort } from '../support/postgres-binaries.ts'
import { createAuthority, createIdentity } from './certificates.ts'
import { accessCluster, type ClusterAccess } from './cluster-access.ts'
import { type Processes, startProcesses } from './processes.ts'
import { ensureKube } from './tools.ts'

/** etcd, the API server and the controllers: everything of Kubernetes that needs no machine to run pods on. */
export interface ControlPlane extends ClusterAccess {
  /** False where `TEST_KUBECONFIG` names the cluster: its API server cannot be stopped. */
  readonly isOwn: boolean
  /** An outage: connections are cut, and none is accepted. */
  stopApiServer(): Promise<void>
  /** On the same port, with the same objects. */
  startApiServer(): Promise<void>
  close(): Promise<void>
}

/** Where a control plane listens: 127.0.0.1, but for one with pods that have to reach it. */
export interface Place {
  readonly address: string
  readonly serviceRange: string
}

const ATTEMPTS = 3
const LOOPBACK: Place = { address: '127.0.0.1', serviceRange: '10.96.0.0/16' }

export async function startControlPlane(): Promise<ControlPlane> {
  const given = process.env['TEST_KUBECONFIG']
  if (given !== undefined) return givenControlPlane(given)
  for (let attempts = 1; ; attempts += 1) {
    const processes = await startProcesses()
    try {
      return await bootControlPlane(processes)
    } catch (error) {
      await processes.close()
      // Between the look at a port and its use somebody else may have taken it.
      if (attempts === ATTEMPTS || !/address already in use/.test(String(error))) throw error
    }
  }
}

export async function givenControlPlane(kubeconfig: string): Promise<ControlPlane> {
  const access = await accessCluster(kubeconfig)
  const refuse = (): Promise<never> => Promise.reject(new Error('the cluster of TEST_KUBECONFIG is not stopped'))
  return {
    ...access,
    isOwn: false,
    stopApiServer: refuse,
    startApiServer: refuse,
    close: () => access.deleteNamespaces(),
  }
}

/** In the folder of the processes: the certificates of certificates.ts, and `admin.kubeconfig`. */
export async function bootControlPlane(processes: Processes, place = LOOPBACK): Promise<ControlPlane> {
  const { folder } = processes
  const kube = await ensureKube()
  const [port, etcdPort] = [await unusedPort(place.address), await unusedPort('127.0.0.1')]
  const server = `https://${place.address}:${port}`

  startEtcd(kube, processes, etcdPort) // takes its second while the certificates are made
  const ca = await createAuthority(folder)
  const names = ['DNS:kubernetes.default.svc', `IP:${firstAddress(place.serviceRange)}`, `IP:${place.address}`]
  await createIdentity(folder, 'apiserver', '/CN=kube-apiserver', names)
  const admin = await createIdentity(folder, 'admin', '/O=system:masters/CN=admin')
  const kubeconfig = await writeKubeconfig(folder, server, 'admin')

  const startApiServer = async (): Promise<void> => {
    processes.start('kube-apiserver', kube, 'kube-apiserver', ...apiServerFlags(place, port, etcdPort))
    await until(
      'the API server is ready',
      async () => {
        for (const name of ['etcd', 'kube-apiserver']) await processes.assertRunning(name)
        return isReady(server, { ca, cert: admin.certificate, key: admin.key })
      },
      180_000,
    )
  }
  await startApiServer()
  processes.start('kube-controller-manager', kube, 'kube-controller-manager', ...controllerFlags())
  return {
    ...(await accessCluster(kubeconfig)),
    isOwn: true,
    startApiServer,
    stopApiServer: () => processes.kill('kube-apiserver'),
    close: () => processes.close(),
  }
}

function startEtcd(kube: string, processes: Processes, port: number): void {
  const client = `http://127.0.0.1:${port}`
  const listen = [`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`]
  const peers = ['--listen-peer-urls=http://127.0.0.1:0']
  // What fsync protects from is the machine's crash, and the data does not outlive the tests.
  processes.start('etcd', kube, 'etcd', '--data-dir=etcd', '--unsafe-no-fsync', ...listen, ...peers)
}

function apiServerFlags({ address, serviceRange }: Place, port: number, etcdPort: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${port}`,
    '--tls-cert-file=apiserver.crt',
    '--tls-private-key-file=apiserver.key',
    '--client-ca-file=ca.crt',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-account-key-file=accounts.pub',
    '--service-account-signing-key-file=accounts.key',
    `--service-cluster-ip-range=${serviceRange}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged=true',
    '--kubelet-client-certificate=admin.crt',
    '--kubelet-client-key=admin.key',
    '--kubelet-preferred-address-types=InternalIP',
    // There is no Service of itself to keep where no pod can reach it.
    ...(address === LOOPBACK.address ? ['--endpoint-reconciler-type=none'] : []),
  ]
}

function controllerFlags(): string[] {
  return [
    '--kubeconfig=admin.kubeconfig',
    '--leader-elect=false',
    '--kube-api-qps=1000',
    '--kube-api-burst=1000',
    '--secure-port=0',
    '--root-ca-file=ca.crt',
    '--service-account-private-key-file=accounts.key',
    '--horizontal-pod-autoscaler-sync-period=1s',
    '--pvclaimbinder-sync-period=1s',
    '--resource-quota-sync-period=1s',
  ]
}

/** JSON is YAML, too. Answers where the file is. */
export async function writeKubeconfig(folder: string, server: string, name: string): Promise<string> {
  const user = { 'client-certificate': join(folder, `${name}.crt`), 'client-key': join(folder, `${name}.key`) }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'tests', cluster: { server, 'certificate-authority': join(folder, 'ca.crt') } }],
    users: [{ name, user }],
    contexts: [{ name: 'tests', context: { cluster: 'tests', user: name } }],
    'current-context': 'tests',
  }
  const path = join(folder, `${name}.kubeconfig`)
  await writeFile(path, JSON.stringify(config))
  return path
}

function isReady(server: string, tls: { ca: string; cert: string; key: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(`${server}/readyz`, { ...tls, agent: false, timeout: 2000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(false)) // it does not listen yet, or said nothing in time
    call.end()
  })
}

/** One that stays free while the API server is stopped: see randomPort(). */
async function unusedPort(address: string): Promise<number> {
  for (;;) {
    const port = randomPort()
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer().once('error', () => resolve(false))
      server.listen(port, address, () => server.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}

function firstAddress(range: string): string {
  return range.replace(/\.0\/\d+$/, '.1')
}
