import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What is looked at when somebody asks for the metrics. */
export interface OperatorGauges {
  readonly isLeading: () => boolean
  readonly queueDepth: () => number
  readonly queueOldestMs: () => number
  /** By kind. */
  readonly watches: () => Iterable<{ readonly kind: string; readonly size: number; readonly silentMs: number }>
}

export interface OperatorMetrics {
  readonly registry: Registry
  /** Prometheus' text format. */
  readonly render: () => Promise<{ readonly type: string; readonly text: string }>
  apiRequest(answer: { readonly verb: string; readonly resource: string; readonly status: number }): void
  pass(kind: string, result: 'success' | 'error', durationMs: number): void
  watchRestart(kind: string, cause: string): void
  missedChange(kind: string): void
  driftCorrection(kind: string): void
  renewalFailure(): void
  /** What threw where nothing may throw. */
  panic(): void
  /** A store's conditions, in place of those told before. */
  conditions(store: StoreName, conditions: readonly { readonly type: string; readonly status: string }[]): void
  /** The store is gone, and its series with it. */
  forget(store: StoreName): void
}

interface StoreName {
  readonly namespace: string
  readonly name: string
}

const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const STATUSES = ['True', 'False', 'Unknown']

/** Labels are kinds, verbs, and the names of stores; there are as many series of a store as it has conditions. */
export function createOperatorMetrics(version: string, gauges: OperatorGauges): OperatorMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'tollgate_operator_' })
  addGauges(registry, version, gauges)
  const counter = counterIn(registry)
  const requests = counter(
    'api_requests_total',
    'Requests to the API server, of watches only their beginnings; code 0 where no answer came.',
    ['verb', 'resource', 'code'],
  )
  const passes = counter('reconcile_total', 'Passes over objects, by their result: success or error.', [
    'kind',
    'result',
  ])
  const restarts = counter(
    'watch_restarts_total',
    'Watches that were begun again: ended, gone, throttled, refused, unreachable, silent or broken.',
    ['kind', 'cause'],
  )
  const missed = counter('missed_changes_total', 'Changes that a list found and the watch had not told.', ['kind'])
  const drift = counter('drift_corrections_total', 'Children that somebody else had changed.', ['kind'])
  const renewals = counter('lease_renew_failures_total', 'Attempts to get or renew the lease that failed.', [])
  const panics = counter('panics_total', 'Errors where there should be none.', [])
  const duration = new Histogram({
    name: 'tollgate_operator_reconcile_duration_seconds',
    help: 'How long passes take.',
    labelNames: ['kind'],
    buckets: SECONDS,
    registers: [registry],
  })
  const condition = new Gauge({
    name: 'tollgate_operator_store_condition',
    help: '1 for the status that a condition of a store has, 0 for those that it has not.',
    labelNames: ['namespace', 'name', 'type', 'status'],
    registers: [registry],
  })
  const told = new Map<string, ReadonlySet<string>>()
  const forget = ({ namespace, name }: StoreName): void => {
    for (const type of told.get(`${namespace}/${name}`) ?? []) {
      for (const status of STATUSES) condition.remove({ namespace, name, type, status })
    }
    told.delete(`${namespace}/${name}`)
  }

  return {
    registry,
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    apiRequest: ({ verb, resource, status }) => requests.inc({ verb, resource, code: String(status) }),
    pass(kind, result, durationMs) {
      passes.inc({ kind, result })
      duration.observe({ kind }, durationMs / 1000)
    },
    watchRestart: (kind, cause) => restarts.inc({ kind, cause }),
    missedChange: (kind) => missed.inc({ kind }),
    driftCorrection: (kind) => drift.inc({ kind }),
    renewalFailure: () => renewals.inc(),
    panic: () => panics.inc(),
    conditions(store, conditions) {
      forget(store)
      told.set(`${store.namespace}/${store.name}`, new Set(conditions.map(({ type }) => type)))
      for (const { type, status } of conditions) {
        for (const each of STATUSES) condition.set({ ...store, type, status: each }, each === status ? 1 : 0)
      }
    },
    forget,
  }
}

function counterIn(registry: Registry) {
  return (name: string, help: string, labelNames: readonly string[]): Counter =>
    new Counter({ name: `tollgate_operator_${name}`, help, labelNames, registers: [registry] })
}

function addGauges(
  registry: Registry,
  version: string,
  { isLeading, queueDepth, queueOldestMs, watches }: OperatorGauges,
) {
  const gauge = (name: string, help: string, read: (self: Gauge) => void, labelNames: readonly string[] = []): void => {
    void new Gauge({
      name: `tollgate_operator_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        read(this)
      },
    })
  }
  gauge('build_info', '1, with the version.', (self) => self.set({ version }, 1), ['version'])
  gauge('leader', 'Whether this replica leads: 0 or 1.', (self) => self.set(isLeading() ? 1 : 0))
  gauge('workqueue_depth', 'Stores that wait for a pass.', (self) => self.set(queueDepth()))
  gauge('workqueue_oldest_seconds', 'For how long the first of them has waited.', (self) =>
    self.set(queueOldestMs() / 1000),
  )
  gauge(
    'cache_objects',
    'Objects that are known.',
    (self) => {
      self.reset() // a kind that the cluster serves no more is watched no more
      for (const { kind, size } of watches()) self.set({ kind }, size)
    },
    ['kind'],
  )
  gauge(
    'watch_last_event_age_seconds',
    'For how long a watch has told nothing; the API server sends a bookmark every minute.',
    (self) => {
      self.reset()
      for (const { kind, silentMs } of watches()) self.set({ kind }, silentMs / 1000)
    },
    ['kind'],
  )
}
