import { isDeepStrictEqual } from 'node:util'
import type { Condition } from '../api/condition.ts'
import type { KubernetesObject } from '../api/object.ts'
import type { ApiKeyStoreStatus } from '../api/api-key-store-status.ts'
import type { Client } from '../client/client.ts'
import type { PlannedStatus } from '../plan/report.ts'

/** Written only where it says something else than before: each write wakes everybody who watches the store. */
export async function writeStatus(
  client: Pick<Client, 'applyStatus'>,
  object: KubernetesObject,
  planned: PlannedStatus,
  now: number,
): Promise<void> {
  if (isTold(object, planned, now)) return
  const { apiVersion, kind, metadata } = object
  const { name, namespace, uid, resourceVersion } = metadata
  // The status is the memory of migrations: it is never written to a later store of this name, nor over what another
  // leader has written since this one read it, however long this one was asleep in between.
  const only = {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  }
  await client.applyStatus({ apiVersion, kind, metadata: only, status: statusAt(object, planned, now) })
}

/** Whether the object's status says it already. */
export function isTold(object: KubernetesObject, planned: PlannedStatus, now: number): boolean {
  return isDeepStrictEqual(statusAt(object, planned, now), object['status'])
}

/** A condition's time is that of its last change from True to False or back, and of nothing else. */
function statusAt(object: KubernetesObject, { findings, ...planned }: PlannedStatus, now: number): ApiKeyStoreStatus {
  const known = conditionsOf(object)
  const conditions = Object.entries(findings).map(([type, finding]): Condition => {
    const before = known.find((condition) => condition.type === type)
    const lastTransitionTime =
      before?.status === finding.status ? before.lastTransitionTime : new Date(now).toISOString().replace(/\.\d+/, '')
    const { observedGeneration } = planned
    return { type, ...finding, ...(observedGeneration !== undefined && { observedGeneration }), lastTransitionTime }
  })
  return { ...planned, conditions }
}

export function conditionsOf(object: KubernetesObject): readonly Condition[] {
  const { conditions = [] } = (object['status'] ?? {}) as { readonly conditions?: readonly Condition[] } // safe: the schema of the kind
  return conditions
}
