import type { Client } from './client/client.ts'
import type { Kind } from './client/kinds.ts'
import type { KubernetesObject } from './client/kubernetes-object.ts'

/** Everything that is known of a kind; undefined where it is not watched or not all read yet. */
export type Known = (kind: Kind) => readonly KubernetesObject[] | undefined

/**
 * Lists from what the watches know, so that a store at rest costs a few calls and not twenty. What is known may be
 * moments old; an object that is asked for by name is read from the server.
 */
export function withCachedLists(client: Client, known: Known): Client {
  return {
    ...client,
    async list(kind, selection = {}) {
      const all = known(kind)
      if (all === undefined) return client.list(kind, selection)
      const { namespace, labelSelector = '' } = selection
      const labels = labelSelector
        .split(',')
        .filter(Boolean)
        .map((each) => each.split('='))
      return all.filter(
        ({ metadata }) =>
          (namespace === undefined || metadata.namespace === namespace) &&
          labels.every(([name = '', value]) => metadata.labels?.[name] === value),
      )
    },
  }
}
