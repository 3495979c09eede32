import type { KubernetesObject } from './kubernetes-object.ts'

export interface Kind {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly isNamespaced: boolean
}

const kind = (apiVersion: string, name: string, plural = `${name.toLowerCase()}s`, isNamespaced = true): Kind => ({
  apiVersion,
  kind: name,
  plural,
  isNamespaced,
})

/** Every kind that the operator speaks of. The plural is no rule but what the API server says. */
export const kinds = {
  ApiKeyStore: kind('tollgate.dev/v1alpha1', 'ApiKeyStore'),
  ApiKey: kind('tollgate.dev/v1alpha1', 'ApiKey'),
  ApiKeyStoreBackup: kind('tollgate.dev/v1alpha1', 'ApiKeyStoreBackup'),
  ApiKeyStoreRestore: kind('tollgate.dev/v1alpha1', 'ApiKeyStoreRestore'),
  CustomResourceDefinition: kind('apiextensions.k8s.io/v1', 'CustomResourceDefinition', undefined, false),
  Deployment: kind('apps/v1', 'Deployment'),
  ReplicaSet: kind('apps/v1', 'ReplicaSet'),
  HorizontalPodAutoscaler: kind('autoscaling/v2', 'HorizontalPodAutoscaler'),
  CronJob: kind('batch/v1', 'CronJob'),
  Job: kind('batch/v1', 'Job'),
  Lease: kind('coordination.k8s.io/v1', 'Lease'),
  Event: kind('events.k8s.io/v1', 'Event'),
  PrometheusRule: kind('monitoring.coreos.com/v1', 'PrometheusRule'),
  ServiceMonitor: kind('monitoring.coreos.com/v1', 'ServiceMonitor'),
  NetworkPolicy: kind('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  PodDisruptionBudget: kind('policy/v1', 'PodDisruptionBudget'),
  ConfigMap: kind('v1', 'ConfigMap'),
  Namespace: kind('v1', 'Namespace', undefined, false),
  PersistentVolumeClaim: kind('v1', 'PersistentVolumeClaim'),
  Pod: kind('v1', 'Pod'),
  Secret: kind('v1', 'Secret'),
  Service: kind('v1', 'Service'),
  ServiceAccount: kind('v1', 'ServiceAccount'),
} as const satisfies Readonly<Record<string, Kind>>

export function kindOf({ apiVersion, kind: name }: KubernetesObject): Kind {
  const found = Object.values(kinds).find((each) => each.kind === name && each.apiVersion === apiVersion)
  if (found === undefined) throw new Error(`The operator knows no kind ${name} of ${apiVersion}.`)
  return found
}

/** The path of a kind's objects, or of one of them, below the server's address. */
export function pathOf(of: Kind, { namespace, name }: { readonly namespace?: string; readonly name?: string }): string {
  const group = groupPath(of)
  if (namespace !== undefined && !of.isNamespaced) throw new Error(`${of.kind} has no namespaces.`)
  if (namespace === undefined && of.isNamespaced && name !== undefined) throw new Error(`${of.kind} has namespaces.`)
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return `${group}${within}/${of.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
}

/** Core kinds have a root of their own. */
export function groupPath({ apiVersion }: Kind): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
}
