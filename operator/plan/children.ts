import type { KubernetesObject, Store } from '../api/object.ts'
import { autoscaler } from '../resources/autoscaler.ts'
import { disruptionBudget } from '../resources/disruption-budget.ts'
import { prometheusRule, serviceMonitor } from '../resources/monitors.ts'
import { networkPolicy } from '../resources/network-policy.ts'
import { metricsService, service } from '../resources/kubernetes-service.ts'
import { serviceAccount } from '../resources/service-account.ts'
import { volumeClaim } from '../resources/volume-claim.ts'
import type { Observed } from './observed.ts'

/** All that a store has besides its Deployment, Secrets and Jobs, in the order in which it is made. */
export function childrenOf(
  store: Store,
  { monitoringKinds, operatorNamespace }: Pick<Observed, 'monitoringKinds' | 'operatorNamespace'>,
): readonly KubernetesObject[] {
  const { serviceMonitor: isScraped = true, prometheusRule: isWatched = true } = store.spec.monitoring ?? {}
  return [
    serviceAccount(store),
    volumeClaim(store),
    service(store),
    metricsService(store),
    autoscaler(store),
    disruptionBudget(store),
    networkPolicy(store, operatorNamespace),
    isScraped && monitoringKinds.has('ServiceMonitor') ? serviceMonitor(store) : undefined,
    isWatched && monitoringKinds.has('PrometheusRule') ? prometheusRule(store) : undefined,
  ].filter((child) => child !== undefined)
}

/** An object's name among those of a store. */
export function identityOf({ kind, metadata }: Pick<KubernetesObject, 'kind' | 'metadata'>): string {
  return `${kind} ${metadata.name}`
}
