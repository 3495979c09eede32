import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder, hashOf, makeOnce } from './tools.ts'

const RECIPE = new URL('base-images.sh', import.meta.url).pathname
const NODE = new URL('../../node_modules/node/bin/node', import.meta.url).pathname

/** What containerd is told to hold the namespaces of pods with. */
export const PAUSE_IMAGE = 'localhost/pause:1'

let store: Promise<readonly string[]> | undefined

/**
 * Runs buildah on a store of the tests' own, and answers what it printed. It has `node:24-trixie-slim`, made here since
 * no registry can be asked; nobody's own images get to see that one.
 */
export async function buildah(...args: readonly string[]): Promise<string> {
  const flags = await (store ??= ensureStore())
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot' }
  try {
    const { stdout } = await promisify(execFile)('buildah', [...flags, ...args], { env, maxBuffer: 2 ** 28 })
    return stdout.trim()
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string } // safe: of execFile
    throw new Error(`buildah ${args[0]} failed: ${tail(stdout)}\n${tail(stderr)}`, { cause: error })
  }
}

/** Builds the Dockerfile of a folder. Its steps may use the network, and are kept for the next build. */
export async function buildImage(tag: string, context: string, ...flags: readonly string[]): Promise<void> {
  await buildah('bud', '--network=host', '--pull-never', '--layers', '-t', tag, ...flags, context)
}

/** As the file that containerd imports. */
export async function saveImage(tag: string, file: string): Promise<void> {
  await buildah('push', '--quiet', tag, `docker-archive:${file}:${tag}`)
}

async function ensureStore(): Promise<readonly string[]> {
  const authorities = globSync('/usr/local/share/ca-certificates/*.crt').toSorted()
  const inputs = await Promise.all([RECIPE, ...authorities].map((path) => readFile(path, 'utf8')))
  const name = `images-${hashOf([...inputs, process.version])}`
  const folder = join(cacheFolder(), name)
  // What is mounted is noted below /run, since a restart of the machine ends both.
  const flags = ['--root', folder, '--runroot', join('/run/tollgate', name), '--storage-driver=overlay']
  const command = ['/bin/sh', '-c', '"$1" "$2" && touch "$3"', 'make', RECIPE, NODE, join(folder, 'made')]
  await makeOnce(join(folder, 'made'), command, { env: { STORE: flags.join(' ') } })
  return flags
}

function tail(text: string): string {
  return text.trim().split('\n').slice(-20).join('\n')
}
