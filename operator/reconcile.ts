import { applyPlan, removeSpent } from './apply/apply-plan.ts'
import type { Client } from './client/client.ts'
import { kinds } from './client/kinds.ts'
import { observe, type Sources } from './observe/observe.ts'
import { statusOfInvalid } from './plan/blamed.ts'
import { identityOf } from './plan/children.ts'
import { planFor } from './plan/plan.ts'
import { readStatus, readStore } from './plan/read-store.ts'
import type { Recorder } from './status/record-events.ts'
import { withRefusals } from './status/refused.ts'
import { writeStatus } from './status/write-status.ts'

export interface Parts extends Omit<Sources, 'client'> {
  readonly client: Client
  readonly recorder: Recorder
  /** Hears of each object that somebody else had changed. */
  readonly onDrift: (kind: string) => void
}

/** When the store is to be looked at again, although nothing is known to have changed; undefined once it has gone. */
export type Pass = (place: { readonly namespace: string; readonly name: string }) => Promise<number | undefined>

const INVALID_MS = 600_000
/** What was refused once is hardly let through the next moment. */
const REFUSED_MS = 60_000

/** One pass over a store: observe, plan, apply, tell. What it throws is to be tried again, later each time. */
export function createReconcile({ recorder, onDrift, ...sources }: Parts): Pass {
  const { client, now } = sources
  return async (place) => {
    const object = await client.get(kinds.ApiKeyStore, place)
    if (object === undefined) return undefined
    const reading = readStore(object)
    if (reading.kind === 'invalid') {
      const status = statusOfInvalid(readStatus(object), object.metadata.generation ?? 0, reading.problems)
      await writeStatus(client, object, status, now())
      await recorder.record(object, status, [])
      return INVALID_MS
    }

    const observed = await observe(object, reading.store, sources)
    const plan = planFor(reading.store, observed)
    const refusals = await applyPlan(client, plan)
    const status = withRefusals(plan.status, refusals)
    await writeStatus(client, object, status, now())
    if (refusals.length === 0) await removeSpent(client, plan) // what a Job has done is in the status now

    for (const { kind } of plan.drifted) onDrift(kind)
    await recorder.record(object, status, plan.drifted.map(identityOf))
    return refusals.length === 0 ? plan.requeueAfterMs : Math.max(plan.requeueAfterMs, REFUSED_MS)
  }
}
