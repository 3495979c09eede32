import { randomBytes } from 'node:crypto'
import type { KubernetesObject } from '../api/object.ts'
import { ApiError } from '../client/api-error.ts'
import type { Client } from '../client/client.ts'
import type { PlannedStatus } from '../plan/report.ts'
import { conditionsOf } from './write-status.ts'

/** What somebody who describes the store reads of it. */
interface Told {
  readonly reason: string
  readonly note: string
  readonly isWarning: boolean
}

export interface Recorder {
  /** What has become another way since the status was written last, and what others have changed. */
  record(object: KubernetesObject, status: PlannedStatus, drifted: readonly string[]): Promise<void>
}

const QUIET_MS = 300_000
const MAX_NOTE = 1024
/** In this order: what is said of one is not said again for the next. */
const TOLD_TYPES = ['Ready', 'SchemaUpToDate', 'DatabaseReachable', 'Paused'] as const

/** The same of the same store at most once in five minutes, however often it changes. */
export function createRecorder(client: Pick<Client, 'create'>, instance: string, now: () => number): Recorder {
  const toldAt = new Map<string, number>()
  return {
    async record(object, status, drifted) {
      const at = now()
      for (const [key, time] of toldAt) if (at - time >= QUIET_MS) toldAt.delete(key)
      const known = new Set<string>()
      for (const told of [...changesOf(object, status), ...drifted.map(driftOf)]) {
        const key = `${object.metadata.uid} ${told.reason} ${told.isWarning ? told.note : ''}`
        if (toldAt.has(key) || known.has(told.reason)) continue
        known.add(told.reason)
        toldAt.set(key, at)
        await create(client, eventOf(object, told, instance, at))
      }
    },
  }
}

function changesOf(object: KubernetesObject, { findings }: PlannedStatus): readonly Told[] {
  const known = conditionsOf(object)
  return TOLD_TYPES.flatMap((type) => {
    const { reason, message, status } = findings[type]
    const before = known.find((condition) => condition.type === type)
    if (before?.reason === reason || status === 'Unknown' || reason === 'NotSuspended') return []
    const isWarning = status === 'False' && !['Progressing', 'Migrating', 'Deleting'].includes(reason)
    return [{ reason, note: message, isWarning }]
  })
}

function driftOf(object: string): Told {
  return { reason: 'DriftCorrected', note: `${object} was changed by somebody else, and set right.`, isWarning: true }
}

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/; its time has six digits. */
function eventOf({ apiVersion, kind, metadata }: KubernetesObject, told: Told, instance: string, at: number) {
  const { name, namespace = 'default', uid } = metadata
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace },
    eventTime: new Date(at).toISOString().replace('Z', '000Z'),
    reportingController: 'tollgate.dev/operator',
    reportingInstance: instance,
    action: 'Reconcile',
    reason: told.reason,
    type: told.isWarning ? 'Warning' : 'Normal',
    regarding: { apiVersion, kind, name, namespace, uid },
    note: told.note.slice(0, MAX_NOTE),
  }
}

/** Events are for people: what refuses them, such as a namespace that is going, keeps no store from being looked after. */
async function create(client: Pick<Client, 'create'>, event: KubernetesObject): Promise<void> {
  try {
    await client.create(event)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
  }
}
