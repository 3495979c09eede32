import type { Known } from './cached-reads.ts'
import { ApiError } from './client/api-error.ts'
import type { Connection } from './client/connection.ts'
import { type Kind, kinds } from './client/kinds.ts'
import type { KubernetesObject } from './client/kubernetes-object.ts'
import type { Log } from './log.ts'
import { keyOf } from './loop/cache.ts'
import { type ListWatch, startListWatch } from './loop/list-watch.ts'
import type { OperatorMetrics } from './loop/metrics.ts'
import { isReason, MANAGED, storeOf, watched, watchedOnDemand, withoutManagers } from './watched.ts'

export interface Watches extends Known {
  /** Keys of all stores. */
  stores(): readonly string[]
  byKind(): readonly { readonly kind: string; readonly size: number; readonly silentMs: number }[]
  /** What has not been read once; undefined when all has. */
  unread(): string | undefined
  /** What has neither asked nor heard anything for so long; undefined when all is alive. */
  stuck(ms: number): string | undefined
  stop(): Promise<void>
}

/** One watch for each kind, and for each namespace where only some are looked after. */
export function startWatches(
  namespaces: readonly string[],
  connection: Connection,
  log: Log,
  metrics: OperatorMetrics,
  onReason: (store: string) => void,
): Watches {
  const selections = namespaces.length > 0 ? namespaces.map((namespace) => ({ namespace })) : [{}]
  const watches = new Map<string, readonly ListWatch[]>()
  const needed = new Set(watched.map(({ kind }) => kind.kind))
  for (const { kind, labelSelector } of watched) watches.set(kind.kind, start(kind, labelSelector))

  function start(kind: Kind, labelSelector?: string): readonly ListWatch[] {
    return selections.map((selection) =>
      startListWatch({
        connection,
        kind,
        selection: { ...selection, ...(labelSelector !== undefined && { labelSelector }) },
        keep: withoutManagers,
        chance: Math.random,
        onChange(object, change, former) {
          if (kind.kind === kinds.ApiKeyStore.kind) tell(metrics, object, change === 'removed')
          const store = storeOf(object)
          if (store !== undefined && isReason(object, former)) onReason(store)
        },
        onRestart(cause, error) {
          metrics.watchRestart(kind.kind, cause)
          const level = cause === 'ended' ? 'debug' : 'warn'
          log[level]({ kind: kind.kind, cause, err: error }, 'a watch begins anew')
          if (!needed.has(kind.kind) && error instanceof ApiError && error.isNotFound) forget(kind)
        },
        onMissed(object) {
          metrics.missedChange(kind.kind)
          log.warn({ kind: kind.kind, name: keyOf(object) }, 'a list found what the watch had not told')
        },
        onError(error) {
          metrics.panic()
          log.error({ err: error }, 'a change could not be taken note of')
        },
      }),
    )
  }

  /** The cluster serves the kind no more; whoever asks for it once it does again has it watched anew. */
  function forget(kind: Kind): void {
    for (const watch of watches.get(kind.kind) ?? []) void watch.stop()
    watches.delete(kind.kind)
  }

  const nameWhere = (isSo: (watch: ListWatch) => boolean, names: Iterable<string> = watches.keys()) =>
    [...names].find((name) => watches.get(name)?.some(isSo))
  const objectsOf = (kind: Kind): KubernetesObject[] =>
    (watches.get(kind.kind) ?? []).flatMap(({ cache }) => [...cache.all()])

  return {
    stores: () => objectsOf(kinds.ApiKeyStore).map(keyOf),
    isKnown(kind) {
      if (!watches.has(kind.kind) && watchedOnDemand.includes(kind)) watches.set(kind.kind, start(kind, MANAGED))
      return watches.get(kind.kind)?.every((watch) => watch.isSynced()) ?? false
    },
    all: objectsOf,
    one(kind, { namespace = '', name }) {
      const found = watches.get(kind.kind)?.map(({ cache }) => cache.get(namespace, name))
      return found?.find((object) => object !== undefined)
    },
    byKind: () =>
      [...watches].map(([kind, each]) => ({
        kind,
        size: each.reduce((sum, { cache }) => sum + cache.size(), 0),
        silentMs: Math.max(...each.map((watch) => watch.silentMs())),
      })),
    unread() {
      const kind = nameWhere((watch) => !watch.isSynced(), needed)
      return kind && `Objects of kind ${kind} have not been read yet.`
    },
    stuck(ms) {
      const kind = nameWhere((watch) => watch.stuckMs() > ms)
      return kind && `The watch of kind ${kind} is stuck.`
    },
    stop: async () => void (await Promise.all([...watches.values()].flat().map((watch) => watch.stop()))),
  }
}

/** The conditions of a store, as its status has them. */
function tell(metrics: OperatorMetrics, { metadata, ...rest }: KubernetesObject, isGone: boolean): void {
  const store = { namespace: metadata.namespace ?? '', name: metadata.name }
  if (isGone) return metrics.forget(store)
  const status = rest['status'] as { readonly conditions?: readonly Condition[] } | undefined // safe: our own kind
  metrics.conditions(store, status?.conditions ?? [])
}

interface Condition {
  readonly type: string
  readonly status: string
}
