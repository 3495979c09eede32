import type { KubernetesObject, Store } from '../api/object.ts'
import { kept, owned } from './labels.ts'
import { adminKeyOf, encryptionKeyOf } from './names.ts'

/** The admin key of a store that names none of its own. */
export function adminKeySecret(store: Store, adminKey: string): KubernetesObject {
  const { name, key } = adminKeyOf(store)
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: owned(store, name),
    type: 'Opaque',
    stringData: { [key]: adminKey },
  }
}

/** The encryption key of a store that names none of its own. It outlives the store, as the database does. */
export function encryptionKeySecret(store: Store, encryptionKey: string): KubernetesObject {
  const { name, key } = encryptionKeyOf(store)
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: kept(store, name),
    type: 'Opaque',
    stringData: { [key]: encryptionKey },
  }
}
