import type { KubernetesObject, Store } from '../api/object.ts'
import { owned } from './labels.ts'

const DEFAULT_CPU_PERCENT = 70

/** Undefined where the store says how many pods there are itself. */
export function autoscaler(store: Store): KubernetesObject | undefined {
  const { autoscaling } = store.spec
  if (autoscaling === undefined) return undefined
  const { minReplicas = 1, maxReplicas, metrics = [], targetCPUUtilizationPercentage } = autoscaling
  const percent = targetCPUUtilizationPercentage ?? (metrics.length === 0 ? DEFAULT_CPU_PERCENT : undefined)
  const cpu = { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } }
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: owned(store),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: store.name },
      minReplicas,
      maxReplicas,
      metrics: [...(percent === undefined ? [] : [{ type: 'Resource', resource: cpu }]), ...metrics],
    },
  }
}
