import type { KubernetesObject, Store } from '../api/object.ts'
import { owned, selectorOf } from './labels.ts'

const dns = {
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
}

/** Undefined where the store wants none. */
export function networkPolicy(store: Store): KubernetesObject | undefined {
  const { enabled = false, ingressFrom, egressTo } = store.spec.networkPolicy ?? {}
  if (!enabled) return undefined
  const ports = ['http', 'metrics'].map((port) => ({ protocol: 'TCP', port }))
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: owned(store),
    spec: {
      podSelector: { matchLabels: selectorOf(store) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports, ...(ingressFrom && { from: ingressFrom }) }],
      egress: egressTo === undefined ? [{}] : [dns, { to: egressTo }],
    },
  }
}
