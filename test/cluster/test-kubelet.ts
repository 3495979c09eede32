import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '../../operator/client/client.ts'
import { kinds } from '../../operator/client/kinds.ts'
import type { KubernetesObject } from '../../operator/api/object.ts'

interface Container {
  readonly name: string
  readonly image: string
  readonly args: readonly string[]
  readonly env: readonly Variable[]
}

interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } }
}

interface Pod extends KubernetesObject {
  readonly spec: { readonly containers: readonly [Container] }
  readonly status?: { readonly phase?: string; readonly podIP?: string }
}

/** What becomes a pod's status. */
interface Told {
  readonly phase: string
  readonly podIP?: string
  /** Of its container. */
  readonly state?: object
  readonly lastState?: object
  /** Why no node takes it. */
  readonly unscheduled?: string
}

export interface TestKubelet {
  /** Looks once at the pods of the namespace: runs those of Jobs to their end, and says of all others that they serve. */
  step(): Promise<void>
  /** The image of the pod at the address. */
  imageAt(podIp: string): string | undefined
}

/** Of images whose name says so: they cannot be pulled, or their programs fail at once. */
const MISSING = /missing/
const BROKEN = /broken/
/** Of images whose name says so: pods that end at once, and pods that no node takes. */
const CRASHING = /crashing/
/** Pods that run, and wait for their database before they serve. */
export const WAITING = /waiting/
const NO_NODE: readonly (readonly [image: RegExp, message: string])[] = [
  [/homeless/, '0/3 nodes are available: 3 Insufficient cpu.'],
  [/unbound/, '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.'],
]
/** In the end of the log that a crash leaves; nobody may tell it. */
export const SECRET = 'hunter2'
const PROGRAM = new URL('../../bin/tollgate.mjs', import.meta.url).pathname

interface Ending {
  readonly exitCode: number
  /** Its last words. */
  readonly message: string
}

interface KubeletOptions {
  /** Runs the program of a Job; the real one, unless said otherwise. */
  readonly run?: (container: Container) => Promise<Ending>
  /** The address of a pod that serves; one of its own, unless said otherwise. */
  readonly podIp?: string
}

/** Where there is no node: the real programs of Jobs as processes, and of other pods the status that they would have. */
export function createTestKubelet(client: Client, namespace: string, options: KubeletOptions = {}): TestKubelet {
  const { run = (container) => runProgram(client, namespace, container), podIp } = options
  const images = new Map<string, string>()

  async function look(pod: Pod): Promise<void> {
    const [container] = pod.spec.containers
    if (['Succeeded', 'Failed'].includes(pod.status?.phase ?? '') || pod.status?.podIP !== undefined) return
    if (pod.metadata.deletionTimestamp !== undefined) return
    if (MISSING.test(container.image))
      return tell(pod, { phase: 'Pending', state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } })
    if (pod.metadata.labels?.['batch.kubernetes.io/job-name'] !== undefined) {
      const { exitCode, message } = await run(container)
      const phase = exitCode === 0 ? 'Succeeded' : 'Failed'
      return tell(pod, {
        phase,
        state: { terminated: { exitCode, message, reason: exitCode === 0 ? 'Completed' : 'Error' } },
      })
    }
    const [, unscheduled] = NO_NODE.find(([image]) => image.test(container.image)) ?? []
    if (unscheduled !== undefined) return tell(pod, { phase: 'Pending', unscheduled })
    if (CRASHING.test(container.image)) {
      const terminated = { exitCode: 137, reason: 'OOMKilled', message: `password=${SECRET}` }
      const state = { waiting: { reason: 'CrashLoopBackOff' } }
      return tell(pod, { phase: 'Running', state, lastState: { terminated } })
    }
    const podIP = podIp ?? `10.9.${Math.floor(images.size / 250)}.${(images.size % 250) + 1}`
    images.set(podIP, container.image)
    return tell(pod, { phase: 'Running', podIP, state: { running: { startedAt: new Date().toISOString() } } })
  }

  function tell(pod: Pod, { phase, podIP, state, lastState, unscheduled }: Told): Promise<void> {
    const [{ name, image }] = pod.spec.containers
    const isUp = podIP !== undefined && !WAITING.test(image)
    const conditions: object[] = ['Ready', 'ContainersReady'].map((type) => ({
      type,
      status: isUp ? 'True' : 'False',
    }))
    const scheduling = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: unscheduled }
    const status = {
      phase,
      ...(podIP !== undefined && { podIP, podIPs: [{ ip: podIP }] }),
      conditions: unscheduled === undefined ? conditions : [...conditions, scheduling],
      ...(state && {
        containerStatuses: [
          { name, image, imageID: '', restartCount: 0, ready: isUp, state, ...(lastState && { lastState }) },
        ],
      }),
    }
    const { apiVersion, kind, metadata } = pod
    return client.applyStatus({ apiVersion, kind, metadata: { name: metadata.name, namespace }, status }).then(
      () => undefined,
      (error: unknown) => {
        if (!(error instanceof Error && /404|409/.test(error.message))) throw error // it has gone meanwhile
      },
    )
  }

  return {
    async step() {
      for (const pod of await client.list(kinds.Pod, { namespace })) await look(pod as Pod) // safe: the API server's own schema
    },
    imageAt: (address) => images.get(address),
  }
}

async function runProgram(client: Client, namespace: string, { args, env, image }: Container): Promise<Ending> {
  if (BROKEN.test(image))
    return { exitCode: 1, message: JSON.stringify({ error: { code: 'failed', message: 'No such table.' } }) }
  const folder = await mkdtemp(join(tmpdir(), 'tg-job-'))
  try {
    const file = join(folder, 'termination-log')
    const variables = {
      ...(await environment(client, namespace, env)),
      DATA_DIR: folder,
      PATH: process.env['PATH'] ?? '',
    }
    const words = args.map((word) => (word === '/dev/termination-log' ? file : word))
    const exitCode = await new Promise<number>((resolve) => {
      execFile(process.execPath, [PROGRAM, ...words], { env: variables }, (error) =>
        resolve(error === null ? 0 : Number(error.code)),
      )
    })
    return { exitCode, message: await readFile(file, 'utf8') }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function environment(
  client: Client,
  namespace: string,
  env: readonly Variable[],
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {}
  for (const { name, value, valueFrom } of env) {
    if (valueFrom === undefined) variables[name] = value ?? ''
    else {
      const { key, name: secretName } = valueFrom.secretKeyRef
      const secret = await client.get(kinds.Secret, { namespace, name: secretName })
      const data = secret?.['data'] as Readonly<Record<string, string>> | undefined // safe: the API server's own schema
      variables[name] = Buffer.from(data?.[key] ?? '', 'base64').toString()
    }
  }
  return variables
}
