import { randomUUID } from 'node:crypto'
import { createReaders, type Readers, withCachedLists } from './cached-reads.ts'
import { ApiError } from './client/api-error.ts'
import { type Client, createClient } from './client/client.ts'
import { type Connection, openConnection } from './client/connection.ts'
import type { ReadIdentity } from './client/identity.ts'
import { kinds } from './client/kinds.ts'
import { createPace } from './client/pace.ts'
import type { OperatorConfig } from './config.ts'
import type { Log } from './log.ts'
import { competeForLease } from './loop/lease.ts'
import { createOperatorMetrics, type OperatorMetrics } from './loop/metrics.ts'
import { startProbes } from './loop/probes.ts'
import { createQueue, type Queue } from './loop/queue.ts'
import { realTimer } from './loop/timer.ts'
import type { Pass } from './reconcile.ts'
import { startWatches, type Watches } from './watches.ts'

/** What a pass works with; made anew when this replica begins to lead. */
export interface Tools {
  /** Whose calls all end, and whose writes are refused, when this replica leads no more. */
  readonly client: Client
  readonly createReaders: () => Readers
  readonly metrics: OperatorMetrics
}

export interface Operator {
  readonly port: number
  /** Resolves when another replica leads or may lead: what runs has to end and begin anew. */
  readonly lost: Promise<void>
  /** Finishes what is under way, gives the lease back, and ends. */
  stop(): Promise<void>
}

/** A pass in which nothing is heard for so long hangs, whatever the deadlines say. */
const STUCK_MS = 900_000

/** As the kubelet's. A thousand stores with three Secrets each take all of it at rest, 300 a third. */
const CALLS_PER_SECOND = 50
const CALLS_AT_ONCE = 100

/** Joins the rooms: watches that fill the queue, a lease that says who works on it, and probes that tell of it. */
export async function serve(
  config: OperatorConfig,
  log: Log,
  version: string,
  readIdentity: ReadIdentity,
  createPass: (tools: Tools) => Pass,
): Promise<Operator> {
  let queue: Queue | undefined
  const leading = new AbortController()
  const lost = Promise.withResolvers<void>()
  const metrics = createOperatorMetrics(version, {
    isLeading: () => lease.isLeading(),
    queueDepth: () => queue?.depth() ?? 0,
    queueOldestMs: () => queue?.oldestMs() ?? 0,
    watches: () => watches.byKind(),
  })
  const probes = await startProbes({
    port: config.PORT,
    ailment: () => watches.stuck(STUCK_MS),
    lack: () => watches.unread(),
    metrics: metrics.render,
  })
  const connection = openConnection({
    readIdentity,
    onAnswer: (answer) => metrics.apiRequest(answer),
    onWarning: (warning) => log.warn({ warning }, 'the API server warns'),
  })
  const watches = startWatches(config.WATCH_NAMESPACES, connection, log, metrics, (key) => queue?.add(key))
  const lease = compete(config, connection, log, metrics, {
    onLeading() {
      log.info('this replica leads')
      const client = leadersClient(connection, leading.signal, () => lease.isLeading(), watches)
      const pass = createPass({
        client,
        createReaders: createReaders(client, watches, () => performance.now()),
        metrics,
      })
      queue = startQueue(config, log, metrics, pass)
      for (const key of watches.stores()) queue.add(key)
    },
    onLost() {
      log.error('the lease was lost: this replica ends')
      leading.abort(new NotLeading())
      lost.resolve()
    },
  })
  return {
    port: probes.port,
    lost: lost.promise,
    async stop() {
      const late = setTimeout(() => leading.abort(new Error('The operator ends.')), config.SHUTDOWN_GRACE_MS)
      await queue?.stop()
      clearTimeout(late)
      leading.abort(new Error('The operator has ended.'))
      await lease.stop()
      await watches.stop()
      await probes.close()
      await connection.close()
    },
  }
}

/** A pass that was under way when the lease was lost. */
class NotLeading extends Error {
  constructor() {
    super('This replica does not lead, or may not lead any more.')
  }
}

function compete(
  config: OperatorConfig,
  connection: Connection,
  log: Log,
  metrics: OperatorMetrics,
  events: { readonly onLeading: () => void; readonly onLost: () => void },
) {
  return competeForLease({
    ...events,
    connection,
    namespace: config.POD_NAMESPACE,
    name: config.LEASE_NAME,
    identity: `${config.POD_NAME}_${randomUUID()}`,
    chance: Math.random,
    timing: {
      durationMs: config.LEASE_DURATION_MS,
      renewDeadlineMs: config.LEASE_RENEW_DEADLINE_MS,
      retryMs: config.LEASE_RETRY_MS,
    },
    onFailure(error) {
      metrics.renewalFailure()
      log.warn({ err: error }, 'the lease could not be read or renewed')
    },
  })
}

function leadersClient(connection: Connection, signal: AbortSignal, isLeading: () => boolean, watches: Watches) {
  const guard = (): void => {
    if (!isLeading()) throw new NotLeading()
  }
  const pace = createPace(CALLS_PER_SECOND, CALLS_AT_ONCE)
  return withCachedLists(createClient(connection, { signal, guard, pace }), watches)
}

function startQueue(config: OperatorConfig, log: Log, metrics: OperatorMetrics, pass: Pass): Queue {
  return createQueue({
    workers: config.WORKERS,
    timer: realTimer,
    chance: Math.random,
    async work(key) {
      const [namespace = '', name = ''] = key.split('/')
      const startedAt = performance.now()
      const finish = (result: 'success' | 'error'): void =>
        metrics.pass(kinds.ApiKeyStore.kind, result, performance.now() - startedAt)
      try {
        const nextMs = await pass({ namespace, name })
        finish('success')
        return nextMs
      } catch (error) {
        finish('error')
        throw error
      }
    },
    onFailure(store, error, failures) {
      if (error instanceof NotLeading) return undefined // the one that leads now goes on with it
      if (error instanceof ApiError && error.isConflict) return undefined // somebody changed it meanwhile: it is read anew
      log.warn({ store, err: error, failures }, 'a pass failed and will be tried again')
      return error instanceof ApiError ? error.retryAfterMs : undefined
    },
  })
}
