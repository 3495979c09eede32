import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PAUSE_IMAGE } from './images.ts'

/** The addresses of the node with this number, 0 to 255; those of two nodes on one machine do not overlap. */
export interface Addresses {
  /** The tests' own side of the cable: here the API server listens, and what else pods are to reach. */
  readonly host: string
  readonly node: string
  readonly podRange: string
  readonly serviceRange: string
}

export function addressesOf(number: number): Addresses {
  return {
    host: `10.210.${number}.1`,
    node: `10.210.${number}.2`,
    podRange: `10.211.${number}.0/24`,
    serviceRange: `10.212.${number}.0/24`,
  }
}

/** Writes what machine.sh starts its programs with, but for containerd. */
export async function writeMachineConfiguration(folder: string, cgroup: string, addresses: Addresses): Promise<void> {
  const files: Readonly<Record<string, string>> = {
    'cni/pods.conflist': JSON.stringify(networkConfiguration(folder, addresses)),
    'kubelet.json': JSON.stringify(kubeletConfiguration(folder, cgroup, addresses)),
    'kube-proxy.json': JSON.stringify(proxyConfiguration(folder, addresses)),
    Corefile: dnsConfiguration(folder, addresses),
    // Nothing outside of the cluster is to be found.
    'resolv.conf': '',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
}

/**
 * restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower the score of a pod's first container, and no pod
 * starts ("can't get final child's PID from pipe: EOF").
 */
export function containerdConfiguration(folder: string): string {
  return `
version = 2
root = "${folder}/containerd/root"
state = "${folder}/containerd/state"
[grpc]
  address = "${folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${folder}/cni"
`
}

/** Every pod at the end of a cable of its own: on a bridge, answers of a pod would pass by the rules of Services. */
function networkConfiguration(folder: string, { podRange }: Addresses): object {
  const ranges = [[{ subnet: podRange }]]
  const ipam = { type: 'host-local', dataDir: `${folder}/cni/addresses`, ranges, routes: [{ dst: '0.0.0.0/0' }] }
  return { cniVersion: '0.4.0', name: 'pods', plugins: [{ type: 'ptp', ipMasq: true, ipam }] }
}

function kubeletConfiguration(folder: string, cgroup: string, { node }: Addresses): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${folder}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    // All pods in one place, removed with the node. Kubernetes 1.35 does not start on version 1 of cgroups by default.
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    cgroupRoot: cgroup,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    containerRuntimeEndpoint: `unix://${folder}/containerd.sock`,
    podLogsDir: `${folder}/log/pods`,
    resolvConf: `${folder}/resolv.conf`,
    clusterDNS: [node],
    clusterDomain: 'cluster.local',
    // The disk is the machine's, and what else is on it is not a reason to delete images or to evict pods, however full it is.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '100Mi' },
  }
}

function proxyConfiguration(folder: string, { podRange }: Addresses): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: `${folder}/admin.kubeconfig` },
    mode: 'iptables',
    clusterCIDR: podRange,
    hostnameOverride: 'node',
    iptables: { minSyncPeriod: '100ms' },
    // These belong to the machine, and not to the namespace.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  }
}

function dnsConfiguration(folder: string, { node }: Addresses): string {
  return `
.:53 {
  bind ${node}
  errors
  cache 2
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${folder}/admin.kubeconfig
    pods insecure
  }
}
`
}
