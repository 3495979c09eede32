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
  return ensureBuilt('kube', [...inputs, ...flags], KUBE, (target) => ['build', ...flags, '-o', target, '.'])
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

function ensureInstalled(name: string, module: string): Promise<string> {
  return ensureBuilt(name, [module], '/', () => ['install', '-trimpath', '-ldflags=-s -w', module])
}

/** Go's arguments write the program to `target`, or as `name` into its folder, which is GOBIN. */
async function ensureBuilt(
  name: string,
  inputs: readonly string[],
  folder: string,
  argumentsFor: (target: string) => string[],
): Promise<string> {
  const hash = createHash('sha256').update(inputs.join('\n')).digest('hex').slice(0, 12)
  const program = join(cacheFolder(), `${name}-${hash}`)
  if (existsSync(program)) return program
  const target = join(`${program}.new`, name)
  await buildOnce(program, target, argumentsFor(target), folder)
  return program
}

/** The lock lets a second process wait instead of building the same; it is gone with who holds it. */
const BUILD = `
  lock=$1 program=$2 target=$3; shift 3
  exec 9> "$lock" && flock 9 && if ! test -e "$program"; then
    mkdir -p "\${target%/*}" && "$@" && mv "$target" "$program" && rm -r "\${target%/*}"
  fi`

async function buildOnce(program: string, target: string, args: readonly string[], folder: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true })
  console.error(`building ${program}: once, some minutes`)
  const environment = { ...process.env, CGO_ENABLED: '0', GOBIN: dirname(target), GOFLAGS: '-buildvcs=false' }
  const build = ['-c', BUILD, 'build', `${program}.lock`, program, target, 'go', ...args]
  const child = spawn('/bin/sh', build, { cwd: folder, env: environment, stdio: ['ignore', 2, 2] })
  const [code] = await once(child, 'exit')
  if (code === 0) return
  const why = code === 127 ? 'Go is needed: apt-get install golang-go' : 'go has said why above'
  throw new Error(`${program} could not be built: ${why}`)
}
