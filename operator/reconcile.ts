import { applyPlan, removeSpent } from './apply/apply-plan.ts'
import type { Readers } from './cached-reads.ts'
import type { Client } from './client/client.ts'
import { kinds } from './client/kinds.ts'
import type { KubernetesObject } from './client/kubernetes-object.ts'
import { observe, type Sources } from './observe/observe.ts'
import { identityOf } from './plan/children.ts'
import { type Plan, planFor, planForInvalid } from './plan/plan.ts'
import { readStatus, readStore } from './plan/read-store.ts'
import type { Recorder } from './status/record-events.ts'
import { withRefusals } from './status/refused.ts'
import { isTold, writeStatus } from './status/write-status.ts'

export interface Parts extends Omit<Sources, 'reader'> {
  readonly client: Client
  readonly createReaders: () => Readers
  readonly recorder: Recorder
  /** Hears of each object that somebody else had changed. */
  readonly onDrift: (kind: string) => void
}

/** When the store is to be looked at again, although nothing is known to have changed; undefined once it has gone. */
export type Pass = (place: Place) => Promise<number | undefined>

interface Place {
  readonly namespace: string
  readonly name: string
}

/** What was refused once is hardly let through the next moment. */
const REFUSED_MS = 60_000

/** What was found of a store, and what follows from it. */
interface Look {
  readonly object: KubernetesObject
  readonly plan: Plan
}

/**
 * One pass over a store: observe, plan, apply, tell. What it throws is to be tried again, later each time. Whether there
 * is anything to do may be seen from what is known; what is done is planned on what was read for it.
 */
export function createReconcile({ client, createReaders, recorder, onDrift, ...sources }: Parts): Pass {
  const { now } = sources

  async function look(place: Place, reader: Sources['reader']): Promise<Look | undefined> {
    const object = await reader.get(kinds.ApiKeyStore, place)
    if (object === undefined) return undefined
    const reading = readStore(object)
    if (reading.kind === 'invalid') {
      const { generation = 0 } = object.metadata
      return { object, plan: planForInvalid(readStatus(object), generation, reading.problems) }
    }
    return { object, plan: planFor(reading.store, await observe(object, reading.store, { ...sources, reader })) }
  }

  return async (place) => {
    const { cached, fresh } = createReaders()
    const known = await look(place, cached)
    if (known && isDone(known, now())) return known.plan.requeueAfterMs
    const found = await look(place, fresh)
    if (found === undefined) return undefined

    const { object, plan } = found
    const refusals = await applyPlan(client, plan)
    const status = withRefusals(plan.status, refusals)
    await writeStatus(client, object, status, now())
    if (refusals.length === 0) await removeSpent(client, plan) // what a Job has done is in the status now

    for (const { kind } of plan.drifted) onDrift(kind)
    await recorder.record(object, status, plan.drifted.map(identityOf))
    return refusals.length === 0 ? plan.requeueAfterMs : Math.max(plan.requeueAfterMs, REFUSED_MS)
  }
}

/** Whether all is as it should be, and told. */
function isDone({ object, plan: { apply, create, remove, status } }: Look, now: number): boolean {
  return apply.length + create.length + remove.length === 0 && isTold(object, status, now)
}
