import type { KubernetesObject, Store } from '../api/object.ts'
import type { Client } from '../client/client.ts'
import { kindOf, kinds } from '../client/kinds.ts'
import { childrenOf, identityOf } from '../plan/children.ts'
import type { Observed, PodSeen } from '../plan/observed.ts'
import { readStatus } from '../plan/read-store.ts'
import { APPROVAL, COMPONENT, labelsOf, STORE_UID } from '../resources/labels.ts'
import type { AskHealth } from './ask-health.ts'
import { deploymentSeen } from './deployment.ts'
import { jobSeen } from './job.ts'
import { isReady, isRunning, type Pod, troubleOf } from './pod.ts'
import { observeSecrets } from './secrets.ts'

/** What reading takes; lists may come from a cache, objects asked for by name may not. */
type Reader = Pick<Client, 'get' | 'list' | 'hasKind'>

export interface Sources {
  readonly reader: Reader
  readonly askHealth: AskHealth
  /** In milliseconds since 1970. */
  readonly now: () => number
  readonly makeSecret: () => string
  readonly operatorNamespace: string
}

const OWN_KINDS = [
  kinds.ServiceAccount,
  kinds.Service,
  kinds.HorizontalPodAutoscaler,
  kinds.PodDisruptionBudget,
  kinds.NetworkPolicy,
]
const MONITORING_KINDS = [kinds.ServiceMonitor, kinds.PrometheusRule]

/** All that a pass has to know, read once. */
export async function observe(object: KubernetesObject, store: Store, sources: Sources): Promise<Observed> {
  const { reader: client, now, makeSecret, operatorNamespace } = sources
  const { namespace, name } = store
  const [secrets, monitoring, deployment] = await Promise.all([
    observeSecrets(client, store),
    monitoringOf(client),
    client.get(kinds.Deployment, { namespace, name }),
  ])
  const [listed, jobs] = await Promise.all([
    listOwn(client, store, [...OWN_KINDS, ...monitoring]),
    listOwn(client, store, [kinds.Job]),
  ])
  const pods = (await listOwn(client, store, [kinds.Pod])) as readonly Pod[] // safe: the API server's own schema
  const known = [...listed, ...(deployment && isOwn(store, deployment) ? [deployment] : [])]
  const surroundings = { monitoringKinds: new Set(monitoring.map(({ kind }) => kind)), operatorNamespace }
  const { found, strangers } = await lookFor(client, store, known, surroundings)
  const at = now()
  const children = [...known, ...found]
  const claim = children.find(({ kind }) => kind === kinds.PersistentVolumeClaim.kind)
  return {
    ...secrets,
    ...surroundings,
    now: at,
    status: readStatus(object),
    isDeleting: object.metadata.deletionTimestamp !== undefined,
    approval: object.metadata.annotations?.[APPROVAL],
    children,
    strangers,
    deployment: deployment && deploymentSeen(deployment),
    pods: await Promise.all(pods.filter(isProxy).map((pod) => podSeen(pod, sources.askHealth))),
    jobs: new Map(jobs.map((job) => [job.metadata.name, jobSeen(job, pods, at)])),
    isClaimPending: claim !== undefined && phaseOf(claim) === 'Pending',
    fresh: { adminKey: makeSecret(), encryptionKey: makeSecret() },
  }
}

async function monitoringOf(client: Reader) {
  const known = await Promise.all(MONITORING_KINDS.map((kind) => client.hasKind(kind)))
  return MONITORING_KINDS.filter((_, index) => known[index])
}

async function listOwn(client: Reader, { namespace, uid }: Store, of: readonly (typeof kinds)[keyof typeof kinds][]) {
  const labelSelector = `${STORE_UID}=${uid}`
  const lists = await Promise.all(of.map((kind) => client.list(kind, { namespace, labelSelector })))
  return lists.flat()
}

interface Found {
  readonly found: readonly KubernetesObject[]
  readonly strangers: readonly string[]
}

/** Objects that the store wants and that its label does not show: they are not there, lost it, or are somebody else's. */
async function lookFor(
  client: Reader,
  store: Store,
  known: readonly KubernetesObject[],
  surroundings: Pick<Observed, 'monitoringKinds' | 'operatorNamespace'>,
): Promise<Found> {
  const { namespace, name } = store
  const names = new Set(known.map(identityOf))
  const wanted = [...childrenOf(store, surroundings), { ...kinds.Deployment, metadata: { name } }]
  const unknown = wanted.filter((object) => !names.has(identityOf(object)))
  const read = async ({ metadata, ...object }: KubernetesObject) =>
    client.get(kindOf({ metadata, ...object }), { namespace, name: metadata.name })
  const there = (await Promise.all(unknown.map(read))).filter((object) => object !== undefined)
  return {
    found: there.filter((object) => isOwn(store, object)),
    strangers: there.filter((object) => !isOwn(store, object)).map(identityOf),
  }
}

/** What outlived a store belongs to the next one of its name, or its data would be lost to it. */
function isOwn(store: Store, { kind, metadata }: KubernetesObject): boolean {
  const { labels = {}, ownerReferences = [] } = metadata
  if (labels[STORE_UID] === store.uid || ownerReferences.some(({ uid }) => uid === store.uid)) return true
  const expected = labelsOf(store)
  const isKept = kind === kinds.PersistentVolumeClaim.kind && ownerReferences.length === 0
  return isKept && Object.entries(expected).every(([label, value]) => label === STORE_UID || labels[label] === value)
}

function isProxy({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[COMPONENT] === 'proxy'
}

async function podSeen(pod: Pod, askHealth: AskHealth): Promise<PodSeen> {
  const isEnding = pod.metadata.deletionTimestamp !== undefined
  const ip = isRunning(pod) && !isEnding ? pod.status?.podIP : undefined
  return {
    name: pod.metadata.name,
    isReady: isReady(pod),
    isEnding,
    trouble: isEnding ? undefined : troubleOf(pod),
    health: ip === undefined ? undefined : await askHealth(ip),
  }
}

function phaseOf(claim: KubernetesObject): string | undefined {
  const { phase } = (claim['status'] ?? {}) as { readonly phase?: string } // safe: the API server's own schema
  return phase
}
