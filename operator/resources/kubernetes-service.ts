import type { KubernetesObject, Store } from '../api/object.ts'
import { owned, selectorOf } from './labels.ts'

export const DEFAULT_PORT = 80

export function service(store: Store): KubernetesObject {
  const { type = 'ClusterIP', port = DEFAULT_PORT, annotations } = store.spec.service ?? {}
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...owned(store), ...(annotations && { annotations }) },
    spec: {
      type,
      selector: selectorOf(store),
      ports: [{ name: 'http', port, targetPort: 'http', protocol: 'TCP' }],
    },
  }
}

/** For Prometheus alone, so that a load balancer never exposes the metrics. */
export function metricsService(store: Store): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: owned(store, `${store.name}-metrics`),
    spec: {
      clusterIP: 'None',
      selector: selectorOf(store),
      ports: [{ name: 'metrics', port: 9090, targetPort: 'metrics', protocol: 'TCP' }],
    },
  }
}
