import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { givenControlPlane } from './control-plane.ts'
import { saveImage } from './images.ts'
import type { ClusterNode } from './node.ts'

/** A cluster of somebody else on this machine, such as kind's. This machine has to have a route to its Services. */
export async function givenNode(kubeconfig: string): Promise<ClusterNode> {
  const hostAddress = variable('TEST_HOST_ADDRESS', 'the address of this machine as pods reach it')
  const load = variable('TEST_LOAD_IMAGE', 'a command that takes a docker archive, such as `kind load image-archive`')
  return {
    ...(await givenControlPlane(kubeconfig)),
    hostAddress,
    async loadImage(tag) {
      const folder = await mkdtemp(join(tmpdir(), 'tg-image-'))
      const file = join(folder, 'image.tar')
      try {
        await saveImage(tag, file)
        await promisify(execFile)('sh', ['-c', `${load} "$0"`, file])
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  }
}

function variable(name: string, meaning: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`beside TEST_KUBECONFIG set ${name}: ${meaning}`)
  return value
}
