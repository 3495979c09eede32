import type { KubernetesObject, Store } from '../api/object.ts'
import { owned } from './labels.ts'

/** An identity for policies of meshes and clouds. It may do nothing in the cluster. */
export function serviceAccount(store: Store): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: owned(store), automountServiceAccountToken: false }
}
