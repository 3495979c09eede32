import { Counter, Gauge, type Registry } from 'prom-client'

/** What is only known by looking: read when Prometheus asks. */
export interface Gauges {
  readonly inFlight: () => number
  readonly heldBytes: () => number
  readonly spooled: () => number
  readonly spooledBytes: () => number
  readonly spoolOldestSeconds: () => number
  readonly damagedRecords: () => number
  readonly cacheHits: () => number
  readonly cacheMisses: () => number
  readonly cachedKeys: () => number
  readonly authFailures: () => number
  readonly authBlocked: () => number
  readonly storageAway: () => number
  readonly droppedRecordings: () => number
}

export function addGauges(registry: Registry, gauges: Gauges): void {
  const registers = [registry]
  const look = (name: string, help: string, value: () => number): void => {
    const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(value()) })
  }
  const count = (name: string, help: string, value: () => number): void => {
    const counter = new Counter({
      name,
      help,
      registers,
      collect() {
        counter.reset()
        counter.inc(value())
      },
    })
  }
  look('tollgate_calls_in_flight', 'Calls in flight.', gauges.inFlight)
  look('tollgate_request_bytes_held', 'Bytes of request bodies in memory.', gauges.heldBytes)
  look('tollgate_spool_entries', 'Entries that are closed and not in the database yet.', gauges.spooled)
  look('tollgate_spool_bytes', 'Bytes of the spool that are not in the database yet.', gauges.spooledBytes)
  look(
    'tollgate_spool_oldest_seconds',
    'Age of the oldest entry that is not in the database yet.',
    gauges.spoolOldestSeconds,
  )
  look('tollgate_cached_keys', 'Keys in memory.', gauges.cachedKeys)
  look(
    'tollgate_storage_away',
    '1 while the database is away and calls go on from memory and the snapshot.',
    gauges.storageAway,
  )
  count(
    'tollgate_spool_damaged_records_total',
    'Records of the spool that were damaged and skipped.',
    gauges.damagedRecords,
  )
  count('tollgate_key_cache_hits_total', 'Look-ups of a key that memory answered.', gauges.cacheHits)
  count('tollgate_key_cache_misses_total', 'Look-ups of a key that went to the database.', gauges.cacheMisses)
  count('tollgate_auth_failures_total', 'Calls with a key that nobody has.', gauges.authFailures)
  count(
    'tollgate_auth_blocked_total',
    'Calls that got address_blocked: too many wrong keys had come from their address.',
    gauges.authBlocked,
  )
  count(
    'tollgate_debug_bodies_dropped_total',
    'Calls whose requests and answers were to be kept and were not: there was no room for more, or the database was away.',
    gauges.droppedRecordings,
  )
}
