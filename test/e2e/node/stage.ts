import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { buildImage } from '../../cluster/images.ts'
import { type ClusterNode, startNode } from '../../cluster/node.ts'
import { ensureHelm, ensureKube } from '../../cluster/tools.ts'
import { type FakeUpstream, startFakeUpstream } from '../../support/fake-upstream.ts'
import { type PostgresServer, startPostgres } from '../../support/postgres.ts'

/** What everything here happens on: a node with the image, and beside it a PostgreSQL and a provider that pods reach. */
export interface Stage {
  readonly node: ClusterNode
  readonly postgres: PostgresServer
  readonly upstream: FakeUpstream
  /** Runs lines of a shell in the repository, with `kubectl` and `helm` for this cluster, and answers what they printed. */
  shell(lines: string, env?: Readonly<Record<string, string>>): Promise<string>
  /** The URL of a database as pods reach it. */
  reachable(url: string): string
  close(): Promise<void>
}

export const ROOT = new URL('../../..', import.meta.url).pathname
/** As containerd knows what charts and examples call `tollgate:0.1.0`. */
export const IMAGE = 'docker.io/library/tollgate:0.1.0'

export async function startStage(): Promise<Stage> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    await buildImage(IMAGE, ROOT, '--format=docker') // OCI's has no place for a health check
    const node = await startNode()
    closers.push(() => node.close())
    await node.loadImage(IMAGE)
    const postgres = await startPostgres({ listen_addresses: `127.0.0.1,${node.hostAddress}` })
    closers.push(() => postgres.close())
    const upstream = await startFakeUpstream({ host: node.hostAddress })
    closers.push(() => upstream.close())
    const bin = await createCommands()
    closers.push(() => rm(bin, { recursive: true }))
    const reachable = (url: string): string => {
      const moved = new URL(url)
      moved.hostname = node.hostAddress
      return moved.href
    }
    return { node, postgres, upstream, reachable, shell: createShell(node.kubeconfig, bin), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function createCommands(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tg-commands-'))
  const lines = { kubectl: `${await ensureKube()} kubectl`, helm: await ensureHelm() }
  for (const [name, line] of Object.entries(lines)) {
    await writeFile(join(folder, name), `#!/bin/sh\nexec ${line} "$@"\n`, { mode: 0o755 })
  }
  return folder
}

function createShell(kubeconfig: string, bin: string): Stage['shell'] {
  return async (lines, env = {}) => {
    const options = {
      cwd: ROOT,
      env: { PATH: `${bin}:${process.env['PATH']}`, HOME: bin, KUBECONFIG: kubeconfig, ...env },
      maxBuffer: 2 ** 26,
    }
    // What runs beside a line that fails would be waited for without an end.
    const all = `trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n${lines}`
    return (await promisify(execFile)('/bin/bash', ['-euc', all], options)).stdout
  }
}
