import type { KubernetesObject, Store } from '../api/object.ts'
import { owned, selectorOf } from './labels.ts'

const GROUP = 'monitoring.coreos.com/v1'

export function serviceMonitor(store: Store): KubernetesObject {
  return {
    apiVersion: GROUP,
    kind: 'ServiceMonitor',
    metadata: owned(store),
    spec: {
      selector: { matchLabels: selectorOf(store) },
      endpoints: [{ port: 'metrics', interval: '30s', honorLabels: true }], // the endpoint of a call is the metric's to say
    },
  }
}

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly severity: 'critical' | 'warning'
  readonly summary: string
}

/** What somebody should be called for; each has a page in docs/runbooks. */
export function prometheusRule(store: Store): KubernetesObject {
  const { namespace, name } = store
  const series = `job="${name}-metrics",namespace="${namespace}"`
  const down: Alert = {
    alert: 'TollgateDown',
    expr: `absent(up{${series}} == 1)`,
    for: '5m',
    severity: 'critical',
    summary: `No proxy of the gateway ${namespace}/${name} can be scraped.`,
  }
  const spoolGrowing: Alert = {
    alert: 'TollgateSpoolGrowing',
    expr: `max(tollgate_spool_oldest_seconds{${series}}) > 300`,
    for: '5m',
    severity: 'warning',
    summary: `Entries of the gateway ${namespace}/${name} have waited for the database for more than five minutes.`,
  }
  const isToRun = store.spec.replicas > 0 || store.spec.autoscaling !== undefined
  const rules = (isToRun ? [down, spoolGrowing] : [spoolGrowing]).map(({ severity, summary, ...rule }) => ({
    ...rule,
    labels: { severity, namespace, name }, // absent() and max() leave none that would say which store it is
    annotations: { summary, runbook: `docs/runbooks/${rule.alert}.md` },
  }))
  return {
    apiVersion: GROUP,
    kind: 'PrometheusRule',
    metadata: owned(store),
    spec: { groups: [{ name: `tollgate-${name}`, rules }] },
  }
}
