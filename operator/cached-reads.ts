import type { Client } from './client/client.ts'
import { type Kind, kinds } from './client/kinds.ts'
import type { KubernetesObject, Place } from './client/kubernetes-object.ts'
import { keyOf } from './loop/cache.ts'

export interface Known {
  /** Whether everything of the kind is: it is watched, and has been read once. */
  isKnown(kind: Kind): boolean
  all(kind: Kind): readonly KubernetesObject[]
  one(kind: Kind, place: Place): KubernetesObject | undefined
}

type Reader = Pick<Client, 'get' | 'list' | 'hasKind'>

/** For how long a Secret is believed: a roll-out is a pass for each change of a pod. */
const BELIEVED_MS = 5000

/** Lists from what the watches know. It may be moments old; an object that is asked for by name is read from the server. */
export function withCachedLists(client: Client, known: Known): Client {
  return {
    ...client,
    async list(kind, selection = {}) {
      if (!known.isKnown(kind)) return client.list(kind, selection)
      const { namespace, labelSelector = '' } = selection
      const labels = labelSelector
        .split(',')
        .filter(Boolean)
        .map((each) => each.split('='))
      return known
        .all(kind)
        .filter(
          ({ metadata }) =>
            (namespace === undefined || metadata.namespace === namespace) &&
            labels.every(([name = '', value]) => metadata.labels?.[name] === value),
        )
    },
  }
}

/** What one pass reads with. */
export interface Readers {
  /**
   * For a look whether there is anything to do at all: what is watched is as the watches know it, and a Secret may be
   * seconds old, so that a store at rest costs its Secrets and nothing else, and stores that share one read it once.
   */
  readonly cached: Reader
  /** For what is then done. A Secret is not read twice in a pass. */
  readonly fresh: Reader
}

/** The readers of a pass that begins. */
export function createReaders(client: Client, known: Known, now: () => number): () => Readers {
  const secrets = new Map<string, { readonly at: number; readonly read: Promise<KubernetesObject | undefined> }>()

  function secretSince(since: number, place: Place): Promise<KubernetesObject | undefined> {
    for (const [key, { at }] of secrets) if (now() - at >= BELIEVED_MS) secrets.delete(key)
    const key = keyOf({ metadata: place })
    const found = secrets.get(key)
    if (found && found.at >= since) return found.read
    const read = client.get(kinds.Secret, place)
    secrets.set(key, { at: now(), read })
    read.catch(() => secrets.delete(key))
    return read
  }

  return () => {
    const startedAt = now()
    return {
      cached: {
        ...client,
        async get(kind, place) {
          if (kind === kinds.Secret) return secretSince(startedAt - BELIEVED_MS, place)
          return known.isKnown(kind) ? known.one(kind, place) : client.get(kind, place)
        },
      },
      fresh: {
        ...client,
        get: (kind, place) => (kind === kinds.Secret ? secretSince(startedAt, place) : client.get(kind, place)),
      },
    }
  }
}
