import { execFile } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdir, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from '../support/gateway.ts'
import { createIdentity } from './certificates.ts'
import { bootControlPlane, type ControlPlane, writeKubeconfig } from './control-plane.ts'
import { givenNode } from './given-node.ts'
import { PAUSE_IMAGE, saveImage } from './images.ts'
import {
  type Addresses,
  addressesOf,
  containerdConfiguration,
  writeMachineConfiguration,
} from './machine-configuration.ts'
import { type Processes, startProcesses } from './processes.ts'
import { ensureKube } from './tools.ts'

/** A whole cluster of one machine: pods run, find each other by name, and have volumes. Needs root. */
export interface ClusterNode extends ControlPlane {
  /** The tests' own address as pods reach it: for a PostgreSQL or a provider that listens here. */
  readonly hostAddress: string
  /** Lets pods run an image of buildImage(); with `imagePullPolicy: IfNotPresent`, and a tag other than `latest`. */
  loadImage(tag: string): Promise<void>
}

const MACHINE = new URL('machine.sh', import.meta.url).pathname
const PLUGINS = ['loopback', 'ptp', 'host-local'].map((name) => `/usr/lib/cni/${name}`)
const PROGRAMS = ['containerd', 'ctr', 'runc', 'iptables', 'conntrack', 'ip', 'unshare', 'buildah', ...PLUGINS]
const NODES = 256
const VOLUMES = 20

const run = promisify(execFile)

export async function startNode(): Promise<ClusterNode> {
  const given = process.env['TEST_KUBECONFIG']
  if (given !== undefined) return givenNode(given)
  if (process.getuid?.() !== 0) throw new Error('a whole node needs root; test/e2e/control-plane does not')
  await assertInstalled()
  const cgroup = `/tollgate-tests-${randomBytes(4).toString('hex')}`
  const processes = await startProcesses(removeCgroups(cgroup))
  try {
    return await bootNode(processes, cgroup)
  } catch (error) {
    try {
      await processes.assertRunning('machine') // else it says why better than who has waited for it
    } finally {
      await processes.close()
    }
    throw error
  }
}

/** Where one of these is missing, pods would not start, and nobody would say why. */
async function assertInstalled(): Promise<void> {
  const look = 'for name; do command -v "$name" > /dev/null || echo "$name"; done'
  const { stdout } = await run('/bin/sh', ['-c', look, 'look', ...PROGRAMS])
  const missing = stdout.trim().split('\n').filter(Boolean)
  if (missing.length > 0) throw new Error(`a whole node needs ${missing.join(', ')}: see CONTRIBUTING.md`)
}

async function bootNode(processes: Processes, cgroup: string): Promise<ClusterNode> {
  const { folder } = processes
  const kube = await ensureKube()
  await mkdir(join(folder, 'cni'))
  await writeFile(join(folder, 'containerd.toml'), containerdConfiguration(folder))
  const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
  const pid = processes.start('machine', 'unshare', ...namespaces, MACHINE, kube)
  const addresses = await plugIn(processes, pid)
  const plane = await bootControlPlane(processes, { address: addresses.host, serviceRange: addresses.serviceRange })

  await createIdentity(folder, 'kubelet', '/O=system:nodes/CN=system:node:node')
  await writeKubeconfig(folder, plane.server, 'kubelet')
  await writeMachineConfiguration(folder, cgroup, addresses)
  await writeFile(join(folder, 'address'), `${addresses.node}\n`) // what the machine waits for
  const quiet = ['--leader-elect=false', '--secure-port=0']
  processes.start('kube-scheduler', kube, 'kube-scheduler', '--kubeconfig=admin.kubeconfig', ...quiet)

  const node: ClusterNode = {
    ...plane,
    hostAddress: addresses.host,
    async loadImage(tag) {
      const file = join(folder, `${randomBytes(4).toString('hex')}.tar`)
      await saveImage(tag, file)
      const containerd = ['--address', join(folder, 'containerd.sock'), '--connect-timeout', '60s', '-n', 'k8s.io']
      await run('ctr', [...containerd, 'images', 'import', file])
      await rm(file)
    },
  }
  await node.loadImage(PAUSE_IMAGE)
  await node.apply(...(await createVolumes(folder)))
  await node.kubectl('wait', '--for=create', 'node/node', '--timeout=180s')
  await node.kubectl('wait', '--for=condition=Ready', 'node/node', '--timeout=180s')
  return node
}

/** Connects the machine with this one. The name of the cable says whose the number is, here and in other processes. */
async function plugIn(processes: Processes, machine: number): Promise<Addresses> {
  const ours = await readlink('/proc/self/ns/net')
  await until('the machine has a network of its own', async () => {
    await processes.assertRunning('machine')
    return (await readlink(`/proc/${machine}/ns/net`).catch(() => ours)) !== ours
  })
  for (;;) {
    const number = randomInt(NODES)
    const cable = `tgnode${number}`
    try {
      await run('ip', ['link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(machine)])
    } catch (error) {
      if (String(error).includes('File exists')) continue
      throw error
    }
    const addresses = addressesOf(number)
    await run('ip', ['address', 'add', `${addresses.host}/30`, 'dev', cable])
    await run('ip', ['link', 'set', cable, 'up'])
    for (const range of [addresses.podRange, addresses.serviceRange]) {
      await run('ip', ['route', 'add', range, 'via', addresses.node])
    }
    return addresses
  }
}

/** Folders that wait for claims. Unlike those of hostPath, `local` ones belong to the pod's fsGroup. */
async function createVolumes(folder: string): Promise<object[]> {
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'local', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  }
  const here = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node'] }
  const volumes = Array.from({ length: VOLUMES }, (_, number) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `local-${number}` },
    spec: {
      capacity: { storage: '100Gi' },
      accessModes: [number % 2 === 0 ? 'ReadWriteOnce' : 'ReadWriteOncePod'], // which go with no other
      storageClassName: 'local',
      persistentVolumeReclaimPolicy: 'Retain',
      local: { path: join(folder, 'volumes', String(number)) },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } },
    },
  }))
  for (const { spec } of volumes) await mkdir(spec.local.path, { recursive: true })
  return [storageClass, ...volumes]
}

/** They outlive their processes; the loop waits until these have ended. */
function removeCgroups(cgroup: string): string {
  return `
    for i in $(seq 200); do
      find /sys/fs/cgroup -depth -path '*${cgroup}*' -type d -exec rmdir {} +
      find /sys/fs/cgroup -path '*${cgroup}' -type d | grep -q . || break
      sleep 0.05
    done`
}
