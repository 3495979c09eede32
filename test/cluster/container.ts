import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildah } from './images.ts'

/** What the Dockerfile says of its image, in Docker's words. */
export interface ImageConfig {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly WorkingDir: string
  readonly Labels: Readonly<Record<string, string>>
  readonly Volumes: Readonly<Record<string, object>>
  readonly Healthcheck: { readonly Test: readonly string[] }
}

export interface ImageRuns {
  readonly config: ImageConfig
  /** Where its files can be looked at. */
  readonly root: string
  /** Runs a command to its end, and answers what it printed. Rejects where it fails. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>
  /** Starts one. Signals that are sent to the process reach the first process of the container. */
  start(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<ContainerProcess>
  close(): Promise<void>
}

export interface ContainerProcess {
  readonly process: ChildProcess
  /** Runs a further command beside it, as a health check does. */
  exec(command: readonly string[]): Promise<string>
}

/**
 * Runs an image as a careful cluster does: as the user that it names, on a read-only root, without capabilities or new
 * privileges; /tmp and the volume /data can be written. /data lasts from one run to the next. The network is the machine's.
 */
export async function openImage(tag: string): Promise<ImageRuns> {
  const inspected = JSON.parse(await buildah('inspect', '--type=image', tag)) as { Docker: { config: ImageConfig } } // safe: its format
  const { config } = inspected.Docker
  const folder = await mkdtemp(join(tmpdir(), 'tg-container-'))
  const container = await buildah('from', '--pull-never', tag)
  const root = await buildah('mount', container)
  const state = join(folder, 'state')
  const data = join(folder, 'data')
  await mkdir(data)
  const [uid = 0, gid = 0] = config.User.split(':').map(Number)
  await chown(data, uid, gid)
  const ids: string[] = []

  const runc = (...args: readonly string[]): Promise<string> =>
    promisify(execFile)('runc', ['--root', state, ...args]).then(({ stdout }) => stdout)

  async function bundle(command: readonly string[], env: Readonly<Record<string, string>>): Promise<string[]> {
    const id = `tg-${randomUUID()}`
    ids.push(id)
    await mkdir(join(folder, id))
    const variables = [...config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)]
    const process = { user: { uid, gid }, args: command, env: variables, cwd: config.WorkingDir, noNewPrivileges: true }
    await writeFile(join(folder, id, 'config.json'), JSON.stringify({ ...specOf(root, data), process }))
    return ['--root', state, 'run', '--bundle', join(folder, id), id]
  }

  return {
    config,
    root,
    run: async (command, env = {}) => (await promisify(execFile)('runc', await bundle(command, env))).stdout,
    async start(command, env = {}) {
      const args = await bundle(command, env)
      const id = args.at(-1) ?? ''
      const process = spawn('runc', args, { stdio: ['ignore', 'pipe', 'inherit'] })
      return { process, exec: (further) => runc('exec', id, ...further) }
    },
    async close() {
      for (const id of ids) await runc('delete', '--force', id)
      await buildah('rm', container)
      await rm(folder, { recursive: true })
    },
  }
}

/** Of the OCI runtime specification, all but the process. */
function specOf(root: string, data: string): object {
  const mount = (destination: string, type: string, source: string, ...options: string[]): object => ({
    destination,
    type,
    source,
    options,
  })
  return {
    ociVersion: '1.0.2',
    root: { path: root, readonly: true },
    mounts: [
      mount('/proc', 'proc', 'proc'),
      mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'mode=755'),
      mount('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'mode=1777'),
      mount('/tmp', 'tmpfs', 'tmpfs', 'nosuid', 'nodev', 'mode=1777'),
      mount('/data', 'bind', data, 'bind', 'rw'),
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })) },
  }
}
