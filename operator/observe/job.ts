import type { KubernetesObject } from '../api/object.ts'
import type { JobSeen } from '../plan/observed.ts'
import { lastWords, type Pod, troubleOf } from './pod.ts'
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

/** A Job with what its pods have told. `pods` are read after the Job: who has ended has told it by then. */
export function jobSeen(object: KubernetesObject, pods: readonly Pod[]): JobSeen {
  const { status } = object as Job // safe: the API server's own schema
  const own = pods.filter(({ metadata }) => metadata.labels?.[JOB_NAME] === object.metadata.name)
  const holding = (status?.conditions ?? []).filter((condition) => condition.status === 'True')
  const failed = holding.find(({ type }) => type === 'Failed')
  const isComplete = holding.some(({ type }) => type === 'Complete')
  return {
    object,
    state: isComplete ? 'succeeded' : failed ? 'failed' : 'running',
    isAtWork: own.some((pod) => pod.status?.phase === 'Running'),
    trouble: own.map(troubleOf).find((trouble) => trouble !== undefined),
    message: failed && `${failed.reason ?? 'Failed'}: ${failed.message ?? ''}`,
    report: own.map((pod) => readReport(lastWords(pod))).find((report) => report !== undefined),
  }
}
