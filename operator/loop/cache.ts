import type { KubernetesObject, Place } from '../client/kubernetes-object.ts'

/** What is known of the objects of one kind. Only a list-watch writes into it. */
export interface Cache {
  get(namespace: string, name: string): KubernetesObject | undefined
  all(): Iterable<KubernetesObject>
  size(): number
}

export interface WritableCache extends Cache {
  /** What it replaces: the object itself when it was known at this version already. */
  put(object: KubernetesObject): KubernetesObject | undefined
  /** What was known of it. */
  remove(object: KubernetesObject): KubernetesObject | undefined
}

export function createCache(): WritableCache {
  const objects = new Map<string, KubernetesObject>()
  return {
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    all: () => objects.values(),
    size: () => objects.size,
    put(object) {
      const key = keyOf(object)
      const former = objects.get(key)
      if (former && isSame(former, object)) return object
      objects.set(key, object)
      return former
    },
    remove(object) {
      const former = objects.get(keyOf(object))
      objects.delete(keyOf(object))
      return former
    },
  }
}

/** `namespace/name`. */
export function keyOf({ metadata }: { readonly metadata: Place }): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

function isSame({ metadata: one }: KubernetesObject, { metadata: other }: KubernetesObject): boolean {
  return one.resourceVersion === other.resourceVersion && one.uid === other.uid
}
