import { orUndefined, refusalOf } from './api-error.ts'
import type { Call, Connection } from './connection.ts'
import { createDiscovery } from './discovery.ts'
import { type Kind, kindOf, kinds, pathOf } from './kinds.ts'
import type { KubernetesObject, Place } from './kubernetes-object.ts'
import { linesOf } from './lines.ts'
import type { Pace } from './pace.ts'

/** Which objects of a kind: in one namespace or in all, with these labels. */
export interface Selection {
  readonly namespace?: string
  readonly labelSelector?: string
}

interface Page {
  readonly items: readonly KubernetesObject[]
  /** The version at which all pages of one list are. */
  readonly resourceVersion: string
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  /** Of a bookmark it is the version only. */
  readonly object: KubernetesObject
}

interface WatchOptions {
  readonly resourceVersion: string
  /** When the server ends the watch. */
  readonly timeoutSeconds: number
  /** For how long nothing, not even a bookmark, may come. */
  readonly silenceMs: number
  readonly signal: AbortSignal
}

/** What the operator says to the API server: plain JSON in and out, a deadline on every call, ApiError for refusals. */
export interface Client {
  get(kind: Kind, place: Place): Promise<KubernetesObject | undefined>
  list(kind: Kind, selection?: Selection): Promise<readonly KubernetesObject[]>
  /** The same page by page, so that who keeps a part of each object never holds all of them. */
  pages(kind: Kind, selection?: Selection): AsyncGenerator<Page>
  /** Server-side apply: what is said becomes ours, by force; what is no longer said and was ours, goes. */
  apply(object: KubernetesObject, manager?: string): Promise<KubernetesObject>
  applyStatus(object: KubernetesObject): Promise<KubernetesObject>
  /** Throws an ApiError that `isAlreadyExists`. */
  create(object: KubernetesObject): Promise<KubernetesObject>
  /** Throws an ApiError that `isConflict` when the object is no longer at its metadata.resourceVersion. */
  update(object: KubernetesObject): Promise<KubernetesObject>
  /** False when there is none. With a uid, only this very object and no later one of its name. */
  remove(kind: Kind, place: Place, options?: RemoveOptions): Promise<boolean>
  /** Ends when the server ends it. An event ERROR is thrown as an ApiError. */
  watch(kind: Kind, selection: Selection, options: WatchOptions): AsyncGenerator<WatchEvent>
  /** The end of a container's log, at most 1 MiB. */
  readLog(pod: Place, container?: string): Promise<string>
  /** Whether the cluster serves the kind; believed for a minute, so that what is installed later is found. */
  hasKind(kind: Kind): Promise<boolean>
  /** Such as `v1.34.1`. */
  version(): Promise<string>
}

interface RemoveOptions {
  readonly uid?: string
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan'
}

export interface ClientOptions {
  /** Ends every call and lets none begin: the leader's, so that who is none any more writes nothing. */
  readonly signal?: AbortSignal
  /** Asked before each write, which it refuses by throwing: by the clock, where a signal may come late. */
  readonly guard?: () => void
  /** Waited for before each call for objects. */
  readonly pace?: Pace
  /** `Strict` in tests: a field that the API server does not know is a mistake of ours. */
  readonly fieldValidation?: 'Strict' | 'Warn'
}

const FIELD_MANAGER = 'tollgate-operator'

const PAGE_SIZE = 500
/** An object has 1.5 MiB at most in etcd; JSON with its managed fields may have more. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
const MAX_LOG_BYTES = 1024 * 1024

export function createClient(
  connection: Connection,
  { signal, guard, pace, fieldValidation = 'Warn' }: ClientOptions = {},
): Client {
  const discovery = createDiscovery(connection, signal)

  async function ask(of: Kind, call: Omit<Call, 'signal' | 'resource'>): Promise<KubernetesObject> {
    await pace?.(signal)
    if (call.method !== 'GET') guard?.() // after the waiting
    const text = await connection.ask({ ...call, signal, resource: of.plural })
    return JSON.parse(text) as KubernetesObject // safe: what the API server answers to who asks for one object
  }

  function write(method: 'POST' | 'PUT' | 'PATCH', object: KubernetesObject, options: WriteOptions = {}) {
    const { subresource = '', manager = FIELD_MANAGER, isForced } = options
    const of = kindOf(object)
    const { namespace, name } = object.metadata
    const place = { ...(namespace !== undefined && { namespace }), ...(method !== 'POST' && { name }) }
    const query = queryOf({ fieldManager: manager, fieldValidation, force: isForced })
    const contentType = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json' // JSON is YAML
    return ask(of, { method, path: pathOf(of, place) + subresource + query, contentType, body: JSON.stringify(object) })
  }

  async function* pages(of: Kind, selection: Selection = {}): AsyncGenerator<Page> {
    let next: string | undefined
    do {
      await pace?.(signal)
      const query = queryOf({ labelSelector: selection.labelSelector, limit: PAGE_SIZE, continue: next })
      const text = await connection.ask({
        method: 'GET',
        path: pathOf(of, selection) + query,
        signal,
        resource: of.plural,
      })
      const { items, metadata } = JSON.parse(text) as ListAnswer // safe: what the API server answers to a list
      const { apiVersion, kind } = of // built-in kinds leave it out within lists
      yield {
        items: (items ?? []).map((item) => ({ ...item, apiVersion, kind })),
        resourceVersion: metadata.resourceVersion,
      }
      next = metadata.continue
    } while (next)
  }

  return {
    get: (of, place) => orUndefined(ask(of, { method: 'GET', path: pathOf(of, place) })),
    async list(of, selection) {
      const items: KubernetesObject[] = []
      for await (const page of pages(of, selection)) items.push(...page.items)
      return items
    },
    pages,
    apply: (object, manager) => write('PATCH', object, { isForced: true, ...(manager !== undefined && { manager }) }),
    applyStatus: (object) => write('PATCH', object, { subresource: '/status', isForced: true }),
    create: (object) => write('POST', object),
    update: (object) => write('PUT', object),
    async remove(of, place, { uid, propagation = 'Background' } = {}) {
      const body = { propagationPolicy: propagation, ...(uid !== undefined && { preconditions: { uid } }) }
      const call = { method: 'DELETE', path: pathOf(of, place), contentType: 'application/json' } as const
      return (await orUndefined(ask(of, { ...call, body: JSON.stringify(body) }))) !== undefined
    },
    watch: (of, selection, options) => watch(connection, of, selection, options),
    readLog({ namespace, name }, container) {
      const query = queryOf({ container, limitBytes: MAX_LOG_BYTES, tailLines: 1000 })
      const place = { ...(namespace !== undefined && { namespace }), name }
      return connection.ask({ method: 'GET', path: `${pathOf(kinds.Pod, place)}/log${query}`, signal })
    },
    hasKind: discovery,
    async version() {
      const answer = JSON.parse(await connection.ask({ method: 'GET', path: '/version', signal })) as {
        gitVersion: string
      } // safe: the server's version.Info
      return answer.gitVersion
    },
  }
}

interface WriteOptions {
  readonly subresource?: string
  readonly manager?: string
  readonly isForced?: boolean
}

interface ListAnswer {
  readonly items: readonly KubernetesObject[] | null
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string }
}

async function* watch(
  connection: Connection,
  of: Kind,
  selection: Selection,
  { resourceVersion, timeoutSeconds, silenceMs, signal }: WatchOptions,
): AsyncGenerator<WatchEvent> {
  const { labelSelector } = selection
  const query = queryOf({ watch: true, allowWatchBookmarks: true, labelSelector, resourceVersion, timeoutSeconds })
  const call = { method: 'GET', path: pathOf(of, selection) + query, signal, resource: of.plural } as const
  const chunks = await connection.stream(call, silenceMs)
  for await (const line of linesOf(chunks, MAX_LINE_BYTES)) {
    const event = JSON.parse(line) as WatchEvent | ErrorEvent // safe: a line of a watch is an event
    if (event.type === 'ERROR') {
      const { code = 500 } = event.object
      throw refusalOf(`watching ${of.plural}`, code, JSON.stringify(event.object))
    }
    yield event
  }
}

interface ErrorEvent {
  readonly type: 'ERROR'
  /** A Status. */
  readonly object: { readonly code?: number }
}

function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value))
  const text = query.toString()
  return text && `?${text}`
}
