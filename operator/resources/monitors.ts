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
      endpoints: [{ port: 'metrics', interval: '30s' }],
    },
  }
}

/** What somebody should be called for; each has a page in docs/runbooks. */
export function prometheusRule(store: Store): KubernetesObject {
  const job = `job="${store.name}-metrics",namespace="${store.namespace}"`
  return {
    apiVersion: GROUP,
    kind: 'PrometheusRule',
    metadata: owned(store),
    spec: {
      groups: [
        {
          name: `tollgate-${store.name}`,
          rules: [
            alert('TollgateDown', `absent(up{${job}} == 1)`, '5m', 'critical', 'No proxy can be scraped.'),
            alert(
              'TollgateSpoolGrowing',
              `max(tollgate_spool_oldest_seconds{${job}}) > 300`,
              '5m',
              'warning',
              'Entries have waited for the database for more than five minutes.',
            ),
          ],
        },
      ],
    },
  }
}

function alert(name: string, expr: string, after: string, severity: string, summary: string) {
  return {
    alert: name,
    expr,
    for: after,
    labels: { severity },
    annotations: { summary, runbook: `docs/runbooks/${name}.md` },
  }
}
