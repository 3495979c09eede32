import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'
import type { Call } from '../domain/call.ts'
import type { Entry } from '../domain/entry.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Key } from '../domain/key.ts'
import { addGauges, type Gauges } from './gauges.ts'
import { createTallies } from './tallies.ts'

export interface Metrics {
  readonly registry: Registry
  /** Prometheus' text format. */
  readonly render: () => Promise<{ readonly type: string; readonly text: string }>
  call(call: Call, key: Key, entry: Entry): void
  refusal(code: ErrorCode): void
  commit(durationMs: number, entries: number): void
}

/** Keys beyond this many are counted together: a label is memory, here and in Prometheus. */
const MAX_KEY_LABELS = 1000
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

/** Labels come from configured names only: endpoints, channels and keys, never from what a caller writes. */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'tollgate_' })
  addGauges(registry, gauges)
  const keyLabels = new Set<string>()
  const labelOf = ({ name }: Key): string => {
    if (!keyLabels.has(name) && keyLabels.size >= MAX_KEY_LABELS) return 'other'
    keyLabels.add(name)
    return name
  }

  const tallies = createTallies()
  const { calls, tokens, estimated, duration, firstByte, failed, refusals, commits, committed } = instruments(registry)

  return {
    registry,
    async render() {
      tallies.collect(calls, tokens, estimated)
      return { type: registry.contentType, text: await registry.metrics() }
    },
    refusal: (code) => refusals.inc({ code }),
    commit(durationMs, entries) {
      commits.observe(durationMs / 1000)
      committed.inc(entries)
    },
    call({ endpoint }, key, entry) {
      const { channel, durationMs, firstByteMs, attempts } = entry
      const labels = { channel, endpoint: endpoint.label }
      duration.observe(labels, durationMs / 1000)
      if (firstByteMs !== null) firstByte.observe(labels, firstByteMs / 1000)
      tallies.add(labelOf(key), channel, endpoint.label, entry)
      for (const attempt of attempts)
        failed.inc({ channel: attempt.channel, status: attempt.status, followed_by: attempt.followedBy })
    },
  }
}

function instruments(registry: Registry) {
  const registers = [registry]
  return {
    calls: new Counter({
      name: 'tollgate_calls_total',
      help: 'Calls that went to an upstream, by how they ended.',
      labelNames: ['key', 'channel', 'endpoint', 'status', 'http_status'],
      registers,
    }),
    tokens: new Counter({
      name: 'tollgate_tokens_total',
      help: 'Tokens used, by kind. reasoning is part of output.',
      labelNames: ['key', 'channel', 'kind'],
      registers,
    }),
    estimated: new Counter({
      name: 'tollgate_estimated_calls_total',
      help: 'Calls whose usage the upstream did not tell and which were estimated.',
      labelNames: ['key', 'channel'],
      registers,
    }),
    duration: new Histogram({
      name: 'tollgate_call_duration_seconds',
      help: 'From admission to the end of the answer.',
      labelNames: ['channel', 'endpoint'],
      buckets: SECONDS,
      registers,
    }),
    firstByte: new Histogram({
      name: 'tollgate_first_byte_seconds',
      help: 'From admission to the first byte of the answer.',
      labelNames: ['channel', 'endpoint'],
      buckets: SECONDS,
      registers,
    }),
    failed: new Counter({
      name: 'tollgate_failed_attempts_total',
      help: 'Upstream exchanges that failed before they put out anything, by what was done then: the same channel again, or the next one.',
      labelNames: ['channel', 'status', 'followed_by'],
      registers,
    }),
    refusals: new Counter({
      name: 'tollgate_refusals_total',
      help: 'Calls that got an error of the gateway, by its code.',
      labelNames: ['code'],
      registers,
    }),
    commits: new Histogram({
      name: 'tollgate_ledger_commit_seconds',
      help: 'How long one commit of the ledger took.',
      buckets: SECONDS,
      registers,
    }),
    committed: new Counter({
      name: 'tollgate_ledger_entries_total',
      help: 'Entries that were brought into the database.',
      registers,
    }),
  }
}
