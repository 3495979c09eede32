import { GROUP, VERSION } from '../api/group.ts'
import type { ObjectMeta, OwnerReference, Store } from '../api/object.ts'

export const MANAGER = 'tollgate-operator'
export const STORE_UID = `${GROUP}/store-uid`
/** Of everything that the pods read when they start. */
export const CONFIG_HASH = `${GROUP}/config-hash`
/** Of what was applied last, on every object of a store. */
export const APPLIED_HASH = `${GROUP}/applied-hash`
/** What an administrator sets to the hash of a migration that waits. */
export const APPROVAL = `${GROUP}/approve-migration`
export const COMPONENT = 'app.kubernetes.io/component'

type Component = 'proxy' | 'migration'
type Labels = Readonly<Record<string, string>>

/** What every object of a store carries. Labels of the store itself are not copied: GitOps tools would take children for their own. */
export function labelsOf({ name, uid }: Pick<Store, 'name' | 'uid'>, component: Component = 'proxy'): Labels {
  return {
    'app.kubernetes.io/name': 'tollgate',
    'app.kubernetes.io/instance': name,
    [COMPONENT]: component,
    'app.kubernetes.io/part-of': 'tollgate',
    'app.kubernetes.io/managed-by': MANAGER,
    [STORE_UID]: uid,
  }
}

/** What tells the pods of the proxies from all others. It can never change: a selector of a Deployment is immutable. */
export function selectorOf({ name }: Pick<Store, 'name'>): Labels {
  return {
    'app.kubernetes.io/name': 'tollgate',
    'app.kubernetes.io/instance': name,
    [COMPONENT]: 'proxy',
  }
}

/** Of an object that goes with the store. */
export function owned(store: Store, name = store.name, component: Component = 'proxy'): ObjectMeta {
  return { ...kept(store, name, component), ownerReferences: [ownerOf(store)] }
}

/** Of an object that outlives the store. */
export function kept(store: Store, name: string, component: Component = 'proxy'): ObjectMeta {
  return { name, namespace: store.namespace, labels: labelsOf(store, component) }
}

function ownerOf({ name, uid }: Store): OwnerReference {
  return {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: 'ApiKeyStore',
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }
}
