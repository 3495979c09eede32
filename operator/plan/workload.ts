import type { KubernetesObject, Store } from '../api/object.ts'
import { deployment, type Workload } from '../resources/deployment.ts'
import type { Observed } from './observed.ts'

/** An object to be applied, and by which field manager where it is not the usual one. */
export interface Application {
  readonly object: KubernetesObject
  readonly manager?: string
}

/** Who holds the number of pods between the operator and the autoscaler. */
const REPLICAS_MANAGER = 'tollgate-operator-replicas'

/** The Deployment. With an autoscaler it says nothing of how many pods there are. */
export function workload(store: Store, parts: Omit<Workload, 'replicas'>): KubernetesObject {
  return deployment(store, { ...parts, replicas: store.spec.autoscaling ? undefined : store.spec.replicas })
}

/**
 * A field that its only manager stops applying goes back to its default: one pod, in the middle of the day. So another
 * manager applies the number as it is before the operator lets go of it.
 */
export function handOver(store: Store, { deployment: seen }: Observed): readonly Application[] {
  if (!store.spec.autoscaling || !seen?.isSizedByUs) return []
  const { name, namespace } = store
  return [
    {
      object: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace },
        spec: { replicas: seen.wanted },
      },
      manager: REPLICAS_MANAGER,
    },
  ]
}
