import type { ApiKeyStoreStatus } from '../api/api-key-store-status.ts'
import type { KubernetesObject, Store } from '../api/object.ts'
import { statusOfInvalid } from './blamed.ts'
import { changesOf } from './changes.ts'
import { childrenOf } from './children.ts'
import { type Finding, finding } from './finding.ts'
import { type Gate, migration } from './migration.ts'
import type { Observed } from './observed.ts'
import { readiness, type Standing } from './readiness.ts'
import { type PlannedStatus, report } from './report.ts'
import { requirements } from './requirements.ts'
import { type Application, handOver, workload } from './workload.ts'

/** What is to be done, in this order: applied, made, told, removed. */
export interface Plan {
  readonly apply: readonly Application[]
  /** What of that somebody else has changed. */
  readonly drifted: readonly KubernetesObject[]
  /** Made where it is not there, and never changed. */
  readonly create: readonly KubernetesObject[]
  readonly status: PlannedStatus
  /** Only once the status is written: it is the memory of what a Job has done. */
  readonly remove: readonly KubernetesObject[]
  /** When to look again although nothing is known to have changed. */
  readonly requeueAfterMs: number
}

/** Secrets are not watched, so they are read again as often. */
const AT_REST_MS = 60_000
const UNDER_WAY_MS = 15_000
const AT_ONCE_MS = 100
const INVALID_MS = 600_000

/** What a store needs next. Each step is a file; none of them knows the cluster or the time but by what was observed. */
export function planFor(store: Store, observed: Observed): Plan {
  if (observed.isDeleting) return standstill(store, observed, finding('False', 'Deleting'))
  const needs = requirements(store, observed)
  if (needs.kind === 'missing') return standstill(store, observed, finding('False', needs.reason, needs.detail), true)
  if (needs.kind === 'to make') {
    const plan = standstill(store, observed, finding('False', 'Progressing'))
    return settle(store, observed, { ...plan, create: needs.secrets, requeueAfterMs: AT_ONCE_MS })
  }

  const gate = migration(store, observed, needs.connections)
  const { image } = gate
  const pods =
    image === undefined
      ? []
      : [workload(store, { image, configHash: needs.configHash, connection: needs.connections.proxy })]
  const wanted = [...childrenOf(store, observed), ...pods]
  const { apply, drifted, remove } = changesOf(wanted, observed.children)
  const isChanging = apply.some(({ kind }) => kind === 'Deployment')
  const standing = readiness(observed, gate, isChanging)
  return settle(store, observed, {
    create: gate.job === undefined ? [] : [gate.job],
    apply: [...handOver(store, observed), ...apply.map((object) => ({ object }))],
    drifted,
    status: report(store, observed, { ...gate, schemaUpToDate: gate.finding, standing }),
    remove: [...remove, ...gate.spent],
    requeueAfterMs: pauseMs(observed, gate, standing),
  })
}

/** Of a spec that nothing can be made of: nothing is done until there is another one. */
export function planForInvalid(status: ApiKeyStoreStatus, generation: number, problems: string): Plan {
  const told = statusOfInvalid(status, generation, problems)
  return { apply: [], drifted: [], create: [], status: told, remove: [], requeueAfterMs: INVALID_MS }
}

/** Nothing is done, and what there is goes on as it is. */
function standstill(store: Store, observed: Observed, cause: Finding, isStalled = false): Plan {
  const { deployment, status } = observed
  const standing = { ...readiness(observed, { isOpen: false, finding: cause }, false) }
  const image = deployment?.image ?? status.effective?.image
  const told = { standing, isStalled, image, schema: status.schema, schemaUpToDate: undefined }
  return {
    create: [],
    apply: [],
    drifted: [],
    status: report(store, observed, told),
    remove: [],
    requeueAfterMs: AT_REST_MS,
  }
}

/** With `paused` it stays a plan: the memory of the gate then says nothing of a Job that was never made. */
function settle(store: Store, { status: { schema } }: Observed, plan: Plan): Plan {
  if (store.spec.paused !== true) return plan
  const { schema: _, ...status } = plan.status
  const kept = schema === undefined ? status : { ...status, schema }
  return { create: [], apply: [], drifted: [], status: kept, remove: [], requeueAfterMs: AT_REST_MS }
}

function pauseMs({ now }: Observed, { isStalled, lookAt = Infinity }: Gate, { ready }: Standing): number {
  const usual = ready.status === 'True' || isStalled ? AT_REST_MS : UNDER_WAY_MS
  return Math.min(usual, Math.max(AT_ONCE_MS, lookAt - now))
}
