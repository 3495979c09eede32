import type { KubernetesObject, Store } from '../api/object.ts'
import { owned, selectorOf } from './labels.ts'

/** Undefined where there is at most one pod, of which a budget could only keep a node from being drained. */
export function disruptionBudget(store: Store): KubernetesObject | undefined {
  const { autoscaling, podDisruptionBudget, replicas } = store.spec
  const canHaveMany = (autoscaling?.maxReplicas ?? replicas) > 1
  if (podDisruptionBudget === undefined && !canHaveMany) return undefined
  const { maxUnavailable, minAvailable } = podDisruptionBudget ?? {}
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: owned(store),
    spec: {
      selector: { matchLabels: selectorOf(store) },
      ...(minAvailable === undefined ? { maxUnavailable: maxUnavailable ?? 1 } : { minAvailable }),
      // A pod that does not serve keeps nobody from draining its node.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  }
}
