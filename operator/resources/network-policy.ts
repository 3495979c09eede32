import type { KubernetesObject, Store } from '../api/object.ts'
import { MANAGER, owned, selectorOf } from './labels.ts'

const tcp = (port: string | number) => ({ protocol: 'TCP', port })
const dns = { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] }

/** Undefined where the store wants none. Whoever else may not come in, the operator may: it asks each pod how it is. */
export function networkPolicy(store: Store, operatorNamespace: string): KubernetesObject | undefined {
  const { enabled = false, ingressFrom, egressTo } = store.spec.networkPolicy ?? {}
  if (!enabled) return undefined
  const operator = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': MANAGER } },
  }
  const ports = [tcp('http'), tcp('metrics')]
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: owned(store),
    spec: {
      podSelector: { matchLabels: selectorOf(store) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: ingressFrom
        ? [
            { ports, from: ingressFrom },
            { ports: [tcp('http')], from: [operator] },
          ]
        : [{ ports }],
      egress: egressTo === undefined ? [{}] : [dns, { to: egressTo }],
    },
  }
}
