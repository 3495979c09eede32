import { orUndefined } from './api-error.ts'
import type { Connection } from './connection.ts'
import { groupPath, type Kind } from './kinds.ts'

const BELIEVED_MS = 60_000

/** Says whether the cluster serves a kind; believed for a minute, so that what is installed later is found. */
export function createDiscovery(connection: Connection, signal?: AbortSignal): (of: Kind) => Promise<boolean> {
  const discovered = new Map<string, { readonly at: number; readonly plurals: Promise<readonly string[]> }>()

  async function discover(of: Kind): Promise<readonly string[]> {
    const text = await orUndefined(connection.ask({ method: 'GET', path: groupPath(of), signal }))
    const { resources } = JSON.parse(text ?? '{"resources":[]}') as Resources // safe: an APIResourceList
    return resources.map(({ name }) => name)
  }

  return async (of) => {
    let known = discovered.get(of.apiVersion)
    if (known === undefined || performance.now() - known.at >= BELIEVED_MS) {
      known = { at: performance.now(), plurals: discover(of) }
      discovered.set(of.apiVersion, known)
      known.plurals.catch(() => discovered.delete(of.apiVersion))
    }
    return (await known.plurals).includes(of.plural)
  }
}

interface Resources {
  readonly resources: readonly { readonly name: string }[]
}
