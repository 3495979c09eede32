import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Identity } from './certificates.ts'
import { ensureKube } from './tools.ts'

/** A cluster as its administrator sees it. */
export interface ClusterAccess extends Identity {
  /** Where its kubeconfig is; `KUBECONFIG` for programs that are run against the cluster. */
  readonly kubeconfig: string
  /** The API server's URL. */
  readonly server: string
  /** The certificate of who vouches for the API server, in PEM. */
  readonly ca: string
  /** Answers what kubectl printed; throws with what it complained of. */
  kubectl(...args: readonly string[]): Promise<string>
  /** Server-side, by the field manager `tests`. */
  apply(...objects: readonly object[]): Promise<void>
  /** A namespace of a name of its own that lets in what the level of Pod Security does, with its service account. */
  createNamespace(level?: 'restricted' | 'privileged'): Promise<string>
  /** Those that were made, and waits until they are empty. */
  deleteNamespaces(): Promise<void>
}

interface KubeconfigView {
  readonly clusters: readonly { readonly cluster: { readonly server: string; 'certificate-authority-data'?: string } }[]
  readonly users: readonly {
    readonly user: { readonly 'client-certificate-data'?: string; readonly 'client-key-data'?: string }
  }[]
}

export async function accessCluster(kubeconfig: string): Promise<ClusterAccess> {
  const kube = await ensureKube()
  const namespaces: string[] = []
  const kubectl = (args: readonly string[], input = ''): Promise<string> =>
    run(kube, ['kubectl', '--kubeconfig', kubeconfig, `--cache-dir=${kubeconfig}.cache`, ...args], input)

  const view = ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']
  const { clusters, users } = JSON.parse(await kubectl(view)) as KubeconfigView // safe: a kubeconfig's documented form
  const decode = (data: string | undefined): string => {
    // The tests of roles and of connections speak to the API server without kubectl.
    if (data === undefined) throw new Error(`${kubeconfig} has no authority and client certificate, as kind's has`)
    return Buffer.from(data, 'base64').toString()
  }
  const access: ClusterAccess = {
    kubeconfig,
    server: clusters[0]?.cluster.server ?? '',
    ca: decode(clusters[0]?.cluster['certificate-authority-data']),
    certificate: decode(users[0]?.user['client-certificate-data']),
    key: decode(users[0]?.user['client-key-data']),
    kubectl: (...args) => kubectl(args),
    async apply(...items) {
      const list = { apiVersion: 'v1', kind: 'List', items }
      await kubectl(['apply', '--server-side', '--field-manager=tests', '-f', '-'], JSON.stringify(list))
    },
    async createNamespace(level = 'restricted') {
      const name = `test-${randomBytes(4).toString('hex')}`
      const labels = { 'pod-security.kubernetes.io/enforce': level }
      await access.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
      namespaces.push(name)
      // Without it no pod is let in, and who makes Pods of Jobs tries again only after seconds.
      await kubectl(['-n', name, 'wait', '--for=create', 'serviceaccount/default', '--timeout=180s'])
      return name
    },
    async deleteNamespaces() {
      if (namespaces.length > 0) await kubectl(['delete', 'namespace', ...namespaces.splice(0)])
    },
  }
  return access
}

function run(command: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(stderr.trim() || error.message, { cause: error.code }))
    })
    child.stdin?.on('error', () => undefined) // it has ended without reading; how it ended says why
    child.stdin?.end(input)
  })
}
