import type { Connection } from './client/connection.ts'
import { type Kind, kinds } from './client/kinds.ts'
import type { KubernetesObject } from './client/kubernetes-object.ts'
import type { Log } from './log.ts'
import { keyOf } from './loop/cache.ts'
import { type ListWatch, startListWatch } from './loop/list-watch.ts'
import type { OperatorMetrics } from './loop/metrics.ts'
import { isReason, storeOf, watched, withoutManagers } from './watched.ts'

export interface Watches {
  /** Keys of all stores. */
  stores(): readonly string[]
  /** All objects of a kind; undefined where they are not watched or not all read yet. */
  known(kind: Kind): readonly KubernetesObject[] | undefined
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
  const watches = new Map<string, ListWatch[]>()
  for (const { kind, labelSelector } of watched) {
    const each = selections.map((selection) =>
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
    watches.set(kind.kind, each)
  }
  const all = [...watches.values()].flat()
  const nameWhere = (isSo: (watch: ListWatch) => boolean): string | undefined =>
    [...watches].find(([, each]) => each.some(isSo))?.[0]
  const objectsOf = (kind: Kind): KubernetesObject[] =>
    (watches.get(kind.kind) ?? []).flatMap(({ cache }) => [...cache.all()])

  return {
    stores: () => objectsOf(kinds.ApiKeyStore).map(keyOf),
    known(kind) {
      const isKnown = watches.get(kind.kind)?.every((watch) => watch.isSynced()) ?? false
      return isKnown ? objectsOf(kind) : undefined
    },
    byKind: () =>
      [...watches].map(([kind, each]) => ({
        kind,
        size: each.reduce((sum, { cache }) => sum + cache.size(), 0),
        silentMs: Math.max(...each.map((watch) => watch.silentMs())),
      })),
    unread() {
      const kind = nameWhere((watch) => !watch.isSynced())
      return kind && `Objects of kind ${kind} have not been read yet.`
    },
    stuck(ms) {
      const kind = nameWhere((watch) => watch.stuckMs() > ms)
      return kind && `The watch of kind ${kind} is stuck.`
    },
    stop: async () => void (await Promise.all(all.map((watch) => watch.stop()))),
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
