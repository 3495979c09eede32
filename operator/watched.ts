import { type Kind, kinds } from './client/kinds.ts'
import type { KubernetesObject } from './client/kubernetes-object.ts'

export const MANAGED = 'app.kubernetes.io/managed-by=tollgate-operator'
const INSTANCE = 'app.kubernetes.io/instance'

/** What is watched: the stores, and of the other kinds what the operator has made. Secrets are read by name only. */
export const watched: readonly { readonly kind: Kind; readonly labelSelector?: string }[] = [
  { kind: kinds.ApiKeyStore },
  ...[
    kinds.Deployment,
    kinds.HorizontalPodAutoscaler,
    kinds.Job,
    kinds.NetworkPolicy,
    kinds.PersistentVolumeClaim,
    kinds.Pod,
    kinds.PodDisruptionBudget,
    kinds.Service,
    kinds.ServiceAccount,
  ].map((kind) => ({ kind, labelSelector: MANAGED })),
]

/** These are watched from when they are first asked for on: a cluster need not know them. */
export const watchedOnDemand: readonly Kind[] = [kinds.PrometheusRule, kinds.ServiceMonitor]

/** `namespace/name` of the store that an object is, or that it belongs to; undefined for what belongs to none. */
export function storeOf({ kind, metadata }: KubernetesObject): string | undefined {
  const name = kind === kinds.ApiKeyStore.kind ? metadata.name : metadata.labels?.[INSTANCE]
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`
}

/** A store's status is what we write ourselves: another one there is no reason for another pass. */
export function isReason(object: KubernetesObject, former: KubernetesObject | undefined): boolean {
  if (object.kind !== kinds.ApiKeyStore.kind || former === undefined) return true
  const wish = ({ metadata: { uid, generation, deletionTimestamp, annotations, labels } }: KubernetesObject): string =>
    JSON.stringify([uid, generation, deletionTimestamp, annotations, labels])
  return wish(object) !== wish(former)
}

/** Who else has written which field fills more than half of many objects, and nobody asks it of what is watched. */
export function withoutManagers(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata as KubernetesObject['metadata'] & {
    managedFields?: unknown
  }
  return { ...object, metadata }
}
