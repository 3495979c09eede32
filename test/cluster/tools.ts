import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

const KUBE = new URL('kube', import.meta.url).pathname

/**
 * Every program of Kubernetes in one (kube/main.go): the first argument says which. Built from the Go modules, since
 * nothing else of Kubernetes can be had without a registry: six minutes on two cores, once.
 */
export async function ensureKube(): Promise<string> {
  const inputs = await Promise.all(['main.go', 'go.mod', 'go.sum'].map((name) => readFile(join(KUBE, name), 'utf8')))
  const version = /k8s\.io\/kubernetes v(?<text>(?<major>\d+)\.(?<minor>\d+)\.\d+)/.exec(inputs.join('\n'))?.groups
  if (version === undefined) throw new Error('test/cluster/kube/go.mod names no version of k8s.io/kubernetes')
  // The programs compare versions, and do not know their own without these.
  const is = (name: string, value = ''): string => `-X k8s.io/component-base/version.${name}=${value}`
  const versions = [
    is('gitVersion', `v${version['text']}`),
    is('gitMajor', version['major']),
    is('gitMinor', version['minor']),
  ]
  const flags = ['-trimpath', `-ldflags=-s -w ${versions.join(' ')}`]
  return ensureBuilt('kube', [...inputs, ...flags], KUBE, (folder) => ['build', ...flags, '-o', `${folder}/`, '.'])
}

export function ensureHelm(): Promise<string> {
  return ensureInstalled('helm', 'helm.sh/helm/v3/cmd/helm@v3.22.0')
}

export function ensureKubeconform(): Promise<string> {
  return ensureInstalled('kubeconform', 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0')
}

/** Where what takes long to make is kept between runs, outside the tree. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tollgate')
}

/** Of what something is made of, to name it by. */
export function hashOf(inputs: readonly string[]): string {
  return createHash('sha256').update(inputs.join('\n')).digest('hex').slice(0, 12)
}

/** What is run when the file is not there has to make it, as its last act. A second process waits meanwhile. */
export async function makeOnce(
  path: string,
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  if (existsSync(path)) return
  await mkdir(dirname(path), { recursive: true })
  console.error(`making ${path}: once, some minutes`)
  const child = spawn('/bin/sh', ['-c', MAKE, 'make', path, ...command], {
    ...options,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 2, 2],
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${path} could not be made, see above; CONTRIBUTING.md lists what that needs`)
}

/** The lock is gone with who holds it. */
const MAKE = `
  path=$1; shift
  exec 9> "$path.lock" && flock 9 && { test -e "$path" || "$@"; }`

function ensureInstalled(name: string, module: string): Promise<string> {
  return ensureBuilt(name, [module], '/', () => ['install', '-trimpath', '-ldflags=-s -w', module])
}

/** Go's flags make the program in the folder that they are given. */
async function ensureBuilt(
  name: string,
  inputs: readonly string[],
  folder: string,
  flagsFor: (folder: string) => readonly string[],
): Promise<string> {
  const program = join(cacheFolder(), `${name}-${hashOf(inputs)}`)
  const made = `${program}.new`
  // Go gives up at the first download that fails; what it has got and built by then it keeps.
  const tries = 'made=$1 program=$2; shift 2; for attempt in 1 2 3; do "$@" && break; done'
  const move = ['-c', `${tries} && mv "$made"/* "$program" && rmdir "$made"`, 'move']
  const env = { CGO_ENABLED: '0', GOBIN: made, GOFLAGS: '-buildvcs=false' }
  await makeOnce(program, ['/bin/sh', ...move, made, program, 'go', ...flagsFor(made)], { cwd: folder, env })
  return program
}
