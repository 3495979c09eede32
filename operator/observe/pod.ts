import type { KubernetesObject } from '../api/object.ts'
import type { Trouble } from '../plan/observed.ts'
import { failureOf } from '../plan/failure-of.ts'
import { readReport } from './report.ts'

/** The part of a Pod that matters here (kubernetes.io: "PodStatus"). */
export interface Pod extends KubernetesObject {
  readonly status?: {
    readonly phase?: string
    readonly podIP?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason?: string
      readonly message?: string
    }[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

interface ContainerStatus {
  readonly state?: { readonly waiting?: Waiting; readonly running?: object; readonly terminated?: Terminated }
  readonly lastState?: { readonly terminated?: Terminated }
}

interface Waiting {
  readonly reason?: string
  readonly message?: string
}

interface Terminated {
  readonly exitCode?: number
  /** One word, such as OOMKilled. */
  readonly reason?: string
  readonly message?: string
}

const MAX_MESSAGE = 300
/** sysexits.h; the image's programs end so where a variable is not as it should be. */
const EX_CONFIG = 78
const NO_IMAGE: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
])
const NO_CONTAINER: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
])

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false
}

/** Whether its program runs, which then says how it is, though it may not serve yet. */
export function isRunning({ status }: Pod): boolean {
  return status?.containerStatuses?.some(({ state }) => state?.running !== undefined) ?? false
}

export function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

/** What keeps the pod from being ready, in the words of the kubelet or the scheduler. */
export function troubleOf({ status }: Pod): Trouble | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return { reason: 'Unschedulable', message: cut(scheduled.message) }
  }
  const init = (status?.initContainerStatuses ?? []).map((container) => troubleIn(container, true))
  const own = (status?.containerStatuses ?? []).map((container) => troubleIn(container, false))
  return [...init, ...own].find((trouble) => trouble !== undefined)
}

function troubleIn({ state, lastState }: ContainerStatus, isInit: boolean): Trouble | undefined {
  const { reason = '', message } = state?.waiting ?? {}
  const ended = state?.terminated ?? lastState?.terminated
  const exit = `The last one ${howItEnded(ended)}`
  if (NO_IMAGE.has(reason)) return { reason: 'ImagePullFailed', message: cut(message ?? reason) }
  if (NO_CONTAINER.has(reason)) return { reason: 'PodsNotReady', message: cut(message ?? reason) }
  if (isInit && (ended?.exitCode ?? 0) !== 0) {
    const report = readReport(ended?.message)
    return { reason: failureOf(report) ?? 'MigrationFailed', message: cut(report?.error?.message ?? exit) }
  }
  return reason === 'CrashLoopBackOff' ? { reason: 'CrashLooping', message: exit } : undefined
}

/** Without its last words, which may be the end of a log. */
function howItEnded({ exitCode, reason }: Terminated = {}): string {
  const status = exitCode === EX_CONFIG ? `${EX_CONFIG}: a setting or a Secret is wrong` : `${exitCode ?? 'unknown'}`
  return `ended with exit status ${status}${reason === undefined ? '' : ` (${reason})`}.`
}

/** How the pod's program ended; undefined where it has not. */
export function endOf({ status }: Pod): string | undefined {
  const ended = status?.containerStatuses?.[0]?.state?.terminated
  return ended && `It ${howItEnded(ended)}`
}

/** The last words of the pod's container, which it writes for the operator. */
export function lastWords({ status }: Pod): string | undefined {
  return status?.containerStatuses?.[0]?.state?.terminated?.message
}

function cut(message = ''): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message
}
