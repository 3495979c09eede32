import type { IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { ErrorRequestHandler, Express, Request, Response } from 'express'
import type { ApiDocument } from '../domain/api-document.ts'
import type { AuditedCall } from '../domain/audit.ts'
import { GatewayError } from '../domain/errors.ts'
import type { KeyRecord } from '../domain/key.ts'
import type { LimitStanding } from '../domain/limit-standing.ts'
import { type Actor, actorOf, mayCall, NOBODY, type Operation, type OperationAnswer } from '../domain/operation.ts'
import { isAway } from '../domain/store-error.ts'
import { apiDocsPage } from './api-docs-page.ts'
import { createBodies } from './body.ts'
import { credentialOf, withoutCredentials } from './credential.ts'
import { readJson } from './json-body.ts'
import { rateLimitHeaders } from './rate-limit-headers.ts'
import { asGatewayError } from './send-error.ts'
import { sendEvents } from './send-events.ts'

export interface OperationParts {
  readonly operations: readonly Operation[]
  readonly document: () => ApiDocument
  /** False where the keys are in a file: there are no admin keys to ask for, and nothing to manage. */
  readonly hasDatabase: boolean
  readonly authenticate: (credential: string | undefined, address: () => string | undefined) => Promise<KeyRecord>
  readonly clientAddress: (req: IncomingMessage) => string | undefined
  /** An address as failures are counted. */
  readonly countedAddress: (address: string | undefined) => string
  /** Counts a request of a caller; undefined where they may make any number. */
  readonly countRequest: (caller: string, now: number) => LimitStanding | undefined
  readonly readRevision: () => Promise<string>
  /** Resolves when what was written before is in force in this process. */
  readonly catchUp: () => Promise<void>
  readonly audit: (call: AuditedCall) => void
  readonly now: () => number
}

/** A database that has taken a write and does not answer any more is not waited for. */
const MAX_CATCH_UP_MS = 1000
const MAX_BODY_BYTES = 1024 * 1024
/** Of a document of the whole configuration, with thousands of channels. */
const MAX_DOCUMENT_BYTES = 8 * MAX_BODY_BYTES
/** Of all that are read at once. */
const MAX_HELD_BYTES = 32 * MAX_BODY_BYTES

/** Serves a table of operations, and the page that documents them. */
export function addOperations(app: Express, parts: OperationParts): void {
  const serve = server(parts)
  const byPath = Map.groupBy(parts.operations, ({ path }) => path)
  // A brace sorts behind every letter: what is named in full is found before a parameter takes it for its value.
  const paths = [...byPath].toSorted(([one], [other]) => (one < other ? -1 : 1))
  for (const [path, operations] of paths) {
    const allow = operations.map(({ method }) => method).join(', ')
    app.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), async (req, res) => {
      const method = req.method === 'HEAD' ? 'GET' : req.method
      const operation = operations.find((candidate) => candidate.method === method)
      if (operation === undefined) throw new GatewayError('method_not_allowed', { headers: { allow } })
      await serve(operation, req, res)
    })
  }
  let page: string | undefined
  app.get('/api/docs', (_req, res) => void res.type('html').send((page ??= apiDocsPage(parts.document()))))

  // A parameter of a path that is not UTF-8. Express knows an error handler by its four parameters.
  const onError: ErrorRequestHandler = (thrown: unknown, _req, _res, next) => {
    next(thrown instanceof URIError ? new GatewayError('path_invalid', { cause: thrown }) : thrown)
  }
  app.use(onError)
}

function server({
  hasDatabase,
  authenticate,
  clientAddress,
  countedAddress,
  countRequest,
  readRevision,
  catchUp,
  audit,
  now,
}: OperationParts) {
  const bodies = createBodies({ maxBytes: MAX_BODY_BYTES, maxHeldBytes: MAX_HELD_BYTES })
  const documents = createBodies({ maxBytes: MAX_DOCUMENT_BYTES, maxHeldBytes: MAX_HELD_BYTES })

  const perform = async (operation: Operation, actor: Actor, req: Request, res: Response): Promise<OperationAnswer> => {
    if (!mayCall(actor, operation.access)) throw new GatewayError('admin_required')
    const { params, headers } = req
    const expectedRevision = operation.isWrite && operation.hasRevision ? revisionIn(headers['if-match']) : undefined
    const body = operation.isWrite ? await readJson(operation.takesDocument ? documents : bodies, req, res) : undefined
    // Read before what it is the revision of: a change in between makes it too old, which costs a retry. So a write is
    // answered without one: it might be that of somebody else's write after it, which the caller has not seen.
    const revision = operation.hasRevision && !operation.isWrite ? await readRevision() : undefined
    const call = {
      params: { ...params },
      query: queryOf(req),
      body,
      actor,
      expectedRevision,
      host: headers.host,
      now: now(),
    }
    const answer = await operation.perform(call)
    return revision === undefined ? answer : { ...answer, headers: { etag: `"${revision}"`, ...answer.headers } }
  }

  const refuseBeyond = (caller: string, res: Response): void => {
    const at = now()
    const standing = countRequest(caller, at)
    if (standing === undefined) return
    res.set(rateLimitHeaders([standing], at))
    if (standing.left < 0) throw new GatewayError('rate_limited', { retryAfterMs: standing.endsAt - at })
  }

  return async (operation: Operation, req: Request, res: Response): Promise<void> => {
    if (!hasDatabase && operation.access !== 'public') throw new GatewayError('needs_database')
    let actor = NOBODY
    const address = countedAddress(clientAddress(req))
    const told = (rest: Pick<AuditedCall, 'status' | 'error' | 'change'>): void => {
      if (operation.access === 'public') return
      const target = Object.values(req.params).join('/')
      audit({ operation, target, actor, address, requestId: res.get('x-request-id') ?? '', at: now(), ...rest })
    }
    let answer: OperationAnswer
    try {
      try {
        if (operation.access !== 'public') {
          const credential = credentialOf(req.headers, searchOf(req))
          actor = actorOf(await authenticate(credential, () => clientAddress(req)))
        }
      } finally {
        // Whom nobody knows is counted, too, by the address.
        refuseBeyond(actor.id ?? address, res)
      }
      answer = await perform(operation, actor, req, res)
    } catch (thrown) {
      const error = refusalOf(thrown)
      told({ status: error.status, error: error.code, change: undefined })
      throw error
    }
    told({ status: answer.status, error: null, change: answer.audit })
    // Who is answered may rely on it here; what fails now is tried again by the watch. Elsewhere it takes a moment more.
    if (operation.isWrite)
      await Promise.race([catchUp().catch(() => undefined), pause(MAX_CATCH_UP_MS, undefined, { ref: false })])
    res.set({ 'cache-control': 'no-store', ...answer.headers }).status(answer.status)
    if (answer.events !== undefined) await sendEvents(res, answer.events)
    else if (answer.body === undefined) res.end()
    else res.json(answer.body)
  }
}

function refusalOf(thrown: unknown): GatewayError {
  if (!isAway(thrown)) return asGatewayError(thrown)
  const message = 'The database is away; try again in a moment.'
  return new GatewayError('storage_unavailable', { message, cause: thrown, retryAfterMs: 1000 })
}

/** RFC 9110 section 13.1.1, of which one strong validator or `*` is enough here. */
function revisionIn(ifMatch: string | undefined): string | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  const revision = /^\s*"(\d{1,19})"\s*$/.exec(ifMatch)?.[1]
  if (revision !== undefined) return revision
  const message = 'Send the ETag of a read as it was, in its quotes.'
  throw new GatewayError('request_invalid', { details: [{ field: 'If-Match', message }] })
}

/** By name; a name that comes twice has a list, which no schema takes by accident. */
function queryOf(req: Request): Readonly<Record<string, unknown>> {
  const search = new URLSearchParams(withoutCredentials(searchOf(req)))
  const names = [...new Set(search.keys())]
  return Object.fromEntries(
    names.map((name) => {
      const values = search.getAll(name)
      return [name, values.length === 1 ? values[0] : values]
    }),
  )
}

function searchOf({ originalUrl }: Request): string {
  const at = originalUrl.indexOf('?')
  return at === -1 ? '' : originalUrl.slice(at)
}
