import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { KubernetesObject } from '../../operator/client/kubernetes-object.ts'

export interface SeenRequest {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers a request in the server's place, or leaves it to it with `undefined`. */
export type Fault = (request: SeenRequest) => FaultAnswer | undefined
export interface FaultAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** No answer at all: `reset` ends the connection, `hang` leaves it open. */
  readonly instead?: 'reset' | 'hang'
}

/**
 * An API server as a client sees it: versions, pages, watches with a history that can be forgotten, and faults. It
 * validates nothing: what the real one refuses is tested against the real one.
 */
export interface FakeApiServer {
  readonly url: string
  readonly requests: readonly SeenRequest[]
  /** How many watches are open. */
  watches(): number
  /** Writes an object as somebody else would: the new one, with its version. */
  put(object: Writable): KubernetesObject
  /** As `put`, but watches are not told: as if the event had been lost. */
  putSilently(object: Writable): KubernetesObject
  delete(object: Writable): void
  objects(): readonly KubernetesObject[]
  setFault(fault: Fault | undefined): void
  /** Only this token is good; without a call any is. */
  setToken(token: string): void
  /** Forgets all versions up to now: who watches from one of them is told 410. */
  compact(): void
  bookmark(): void
  /** Ends all watches in order. */
  endWatches(): void
  /** Half a line, then a reset. */
  cutWatches(): void
  /** Nothing more comes on the watches that are open, and they do not end. */
  freezeWatches(): void
  /** One event ERROR with a Status, then the end. */
  failWatches(code: number, retryAfterSeconds?: number): void
  /** A line that is no event. */
  spoil(): void
  /** From now on what is written to watches comes in pieces of so many bytes. */
  split(bytes: number): void
  close(): Promise<void>
}

interface Writable {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

interface Watch {
  readonly response: ServerResponse
  readonly wants: (object: KubernetesObject) => boolean
  isFrozen: boolean
}

interface Happening {
  readonly version: number
  readonly type: string
  readonly object: KubernetesObject
}

interface Target {
  readonly apiVersion: string
  readonly plural: string
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

const ROOT =
  /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+\/[^/]+))(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<plural>[a-z]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>[a-z]+))?$/

export async function startFakeApiServer(certificate?: {
  readonly certificateFile: string
  readonly keyFile: string
}): Promise<FakeApiServer> {
  const objects = new Map<string, KubernetesObject>()
  const history: Happening[] = []
  const watches = new Set<Watch>()
  const requests: SeenRequest[] = []
  const sockets = new Set<Duplex>()
  let version = 1
  let oldest = 1
  let fault: Fault | undefined
  let goodToken: string | undefined
  let pieceBytes = Number.POSITIVE_INFINITY

  const keyOf = (object: Writable | KubernetesObject): string =>
    `${object.apiVersion} ${pluralOf(object.kind)} ${object.metadata.namespace ?? ''} ${object.metadata.name}`

  function happen(type: string, object: KubernetesObject): void {
    history.push({ version, type, object })
    for (const each of watches) if (each.wants(object)) send(each, { type, object })
  }

  function send({ response, isFrozen }: Watch, event: unknown): void {
    if (isFrozen) return
    const line = Buffer.from(`${JSON.stringify(event)}\n`)
    for (let start = 0; start < line.length; start += pieceBytes) {
      response.write(line.subarray(start, Math.min(line.length, start + pieceBytes)))
    }
  }

  function takeWatches(): readonly Watch[] {
    const taken = [...watches]
    watches.clear()
    return taken
  }

  function write(object: Writable, isTold = true): KubernetesObject {
    const former = objects.get(keyOf(object))
    version += 1
    const metadata = {
      uid: `uid-${version}`,
      ...former?.metadata,
      ...object.metadata,
      resourceVersion: String(version),
    }
    const written: KubernetesObject = { ...object, metadata }
    objects.set(keyOf(object), written)
    if (isTold) happen(former ? 'MODIFIED' : 'ADDED', written)
    return written
  }

  function drop(object: KubernetesObject): void {
    version += 1
    objects.delete(keyOf(object))
    happen('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } })
  }

  function list(target: Target, query: URLSearchParams, response: ServerResponse): void {
    const wanted = [...objects.values()].filter(selecting(target, query))
    const [at = String(version), offset = '0'] = query.get('continue')?.split(':') ?? []
    const end = Number(offset) + Number(query.get('limit') ?? wanted.length)
    const items = wanted.slice(Number(offset), end).map((each) => ({ ...each, apiVersion: undefined, kind: undefined }))
    const listMeta = { resourceVersion: at, ...(end < wanted.length && { continue: `${at}:${end}` }) }
    reply(response, 200, { kind: 'List', metadata: listMeta, items })
  }

  function watch(target: Target, query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'))
    if (from < oldest) return reply(response, 410, status(410, 'Expired'))
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    const opened: Watch = { response, wants: selecting(target, query), isFrozen: false }
    watches.add(opened)
    response.on('close', () => watches.delete(opened))
    for (const { version: at, type, object } of history)
      if (at > from && opened.wants(object)) send(opened, { type, object })
  }

  function answer(request: SeenRequest, response: ServerResponse): void {
    const url = new URL(request.url, 'http://server')
    if (goodToken !== undefined && request.headers.authorization !== `Bearer ${goodToken}`) {
      return reply(response, 401, status(401, 'Unauthorized'))
    }
    if (url.pathname === '/version') return reply(response, 200, { gitVersion: 'v1.34.0' })
    if (url.pathname === '/apis/apps/v1') return reply(response, 200, { resources: [{ name: 'deployments' }] })
    const groups = ROOT.exec(url.pathname)?.groups
    if (groups === undefined) return reply(response, 404, status(404, 'NotFound'))
    const { core, group, namespace, plural = '', name, subresource } = groups
    const place = { ...(namespace !== undefined && { namespace }), ...(name !== undefined && { name }) }
    const target = { apiVersion: core ?? group ?? '', plural, ...place, ...(subresource && { subresource }) }
    if (request.method === 'GET' && name === undefined) {
      return url.searchParams.has('watch')
        ? watch(target, url.searchParams, response)
        : list(target, url.searchParams, response)
    }
    change(request, target, response)
  }

  function change({ method, body }: SeenRequest, target: Target, response: ServerResponse): void {
    const sent = body && method !== 'DELETE' ? (JSON.parse(body) as Writable) : undefined // safe: what the client wrote
    const key = `${target.apiVersion} ${target.plural} ${target.namespace ?? ''} ${target.name ?? sent?.metadata.name}`
    const found = objects.get(key)
    if (method === 'POST' && sent) {
      return found ? reply(response, 409, status(409, 'AlreadyExists')) : reply(response, 201, write(sent))
    }
    if (method === 'PATCH' && sent) return reply(response, 200, write({ ...found, ...sent }))
    if (found === undefined) return reply(response, 404, status(404, 'NotFound'))
    if (method === 'GET') return reply(response, 200, found)
    if (method === 'DELETE') {
      drop(found)
      return reply(response, 200, status(200, ''))
    }
    const isStale =
      (sent?.metadata['resourceVersion'] ?? found.metadata.resourceVersion) !== found.metadata.resourceVersion
    if (sent === undefined || isStale) return reply(response, 409, status(409, 'Conflict'))
    reply(response, 200, write(sent))
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const seen = { method, url, headers, body: await text(request).catch(() => '') }
    requests.push(seen)
    const instead = fault?.(seen)
    if (instead === undefined) answer(seen, response)
    else if (instead.instead === 'reset') response.socket?.destroy()
    else if (instead.instead === undefined) {
      response.writeHead(instead.status, { 'content-type': 'application/json', ...instead.headers }).end(instead.body)
    }
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => void receive(request, response)
  const server = certificate
    ? createTlsServer(
        { cert: readFileSync(certificate.certificateFile), key: readFileSync(certificate.keyFile) },
        listener,
      )
    : createServer(listener)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // safe: it listens on TCP

  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    watches: () => watches.size,
    put: (object) => write(object),
    putSilently: (object) => write(object, false),
    delete(object) {
      const found = objects.get(keyOf(object))
      if (found) drop(found)
    },
    objects: () => [...objects.values()],
    setFault: (next) => (fault = next),
    setToken: (token) => (goodToken = token),
    compact() {
      version += 1
      oldest = version
      history.length = 0
    },
    bookmark() {
      version += 1
      const object = { apiVersion: 'v1', kind: 'Any', metadata: { resourceVersion: String(version) } }
      for (const each of watches) send(each, { type: 'BOOKMARK', object })
    },
    endWatches: () => takeWatches().forEach(({ response }) => response.end()),
    cutWatches() {
      for (const { response } of takeWatches()) {
        const { socket } = response
        response.write('{"type":"ADDED","object":{"metad', () => socket?.destroy())
      }
    },
    freezeWatches: () => watches.forEach((each) => (each.isFrozen = true)),
    failWatches(code, retryAfterSeconds) {
      const object = { ...status(code, code === 410 ? 'Expired' : 'Unknown'), details: { retryAfterSeconds } }
      for (const each of takeWatches()) {
        send(each, { type: 'ERROR', object })
        each.response.end()
      }
    },
    spoil: () => watches.forEach(({ response }) => response.write('<html>\n')),
    split: (bytes) => (pieceBytes = bytes),
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function selecting({ apiVersion, plural, namespace }: Target, query: URLSearchParams) {
  const labels = (query.get('labelSelector') ?? '')
    .split(',')
    .filter(Boolean)
    .map((each) => each.split('='))
  return (object: KubernetesObject): boolean =>
    object.apiVersion === apiVersion &&
    pluralOf(object.kind) === plural &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    labels.every(([name = '', value]) => object.metadata.labels?.[name] === value)
}

function pluralOf(kind: string): string {
  return kind.endsWith('y') ? `${kind.toLowerCase().slice(0, -1)}ies` : `${kind.toLowerCase()}s`
}

function status(code: number, reason: string): Readonly<Record<string, unknown>> {
  return { kind: 'Status', apiVersion: 'v1', code, reason, message: `the sentence of ${reason}` }
}

function reply(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
