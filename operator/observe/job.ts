import type { KubernetesObject } from '../api/object.ts'
import type { JobSeen, Trouble } from '../plan/observed.ts'
import { endOf, hasEnded, lastWords, type Pod, troubleOf } from './pod.ts'
import { readReport } from './report.ts'

const JOB_NAME = 'batch.kubernetes.io/job-name'

interface Job extends KubernetesObject {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
  }
}

/** Until then its controller may just not have come to it. */
const PATIENCE_MS = 30_000

/** A Job with what its pods have told. It has ended once they have, too: then nothing more will be told. */
export function jobSeen(object: KubernetesObject, pods: readonly Pod[], now: number): JobSeen {
  const { metadata, status } = object as Job // safe: the API server's own schema
  const own = pods.filter((pod) => pod.metadata.labels?.[JOB_NAME] === metadata.name)
  const holding = (status?.conditions ?? []).filter((condition) => condition.status === 'True')
  const failed = holding.find(({ type }) => type === 'Failed')
  const isComplete = holding.some(({ type }) => type === 'Complete')
  const isSpeaking = own.some((pod) => pod.metadata.deletionTimestamp === undefined && !hasEnded(pod))
  const state = isSpeaking ? 'running' : isComplete ? 'succeeded' : failed ? 'failed' : 'running'
  const isAlone =
    state === 'running' && own.length === 0 && now - Date.parse(metadata.creationTimestamp ?? '') > PATIENCE_MS
  return {
    object,
    state,
    isAtWork: own.some((pod) => pod.status?.phase === 'Running'),
    trouble: isAlone ? withoutPod(metadata.name) : own.map(troubleOf).find((trouble) => trouble !== undefined),
    message:
      failed &&
      [`${failed.reason ?? 'Failed'}: ${failed.message ?? ''}`, ...own.flatMap((pod) => endOf(pod) ?? [])].join(' '),
    report: own.map((pod) => readReport(lastWords(pod))).find((report) => report !== undefined),
  }
}

/** Why, only its events tell. */
function withoutPod(name: string): Trouble {
  return {
    reason: 'PodsNotReady',
    message: `The Job ${name} gets no pod; a quota or a policy may keep it from one: kubectl describe job ${name}.`,
  }
}
