import type { KubernetesObject, Store } from '../api/object.ts'
import { claimName } from './names.ts'
import { kept, owned } from './labels.ts'

/** Undefined where the store has none, or one that was there before it. */
export function volumeClaim(store: Store): KubernetesObject | undefined {
  const { sqlite } = store.spec.database
  if (sqlite?.storage === undefined) return undefined
  const { size, storageClassName } = sqlite.storage
  const name = claimName(store)
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: sqlite.reclaimPolicy === 'Delete' ? owned(store, name) : kept(store, name),
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: String(size) } },
      ...(storageClassName !== undefined && { storageClassName }),
    },
  }
}
