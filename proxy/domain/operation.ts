import type { KeyRecord } from './key.ts'

/** What a caller must be: nobody in particular, an administrator of a tenant or of all, an administrator of all. */
export type Access = 'public' | 'tenant' | 'admin'

/** Who calls an operation. */
export interface Actor {
  /** Of the key; null is a caller without one. */
  readonly id: string | null
  /** Of the key, at this time. */
  readonly name: string
  readonly isAdmin: boolean
  /** The tenant that this key administers. */
  readonly tenantId: string | null
}

export const NOBODY: Actor = { id: null, name: '', isAdmin: false, tenantId: null }

/** A call of an operation, as it came: nothing in it has been checked but who calls. */
export interface OperationCall {
  readonly params: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, unknown>>
  /** What the JSON said; undefined is no body. */
  readonly body: unknown
  readonly actor: Actor
  /** The revision that the caller has seen (If-Match); undefined changes whatever is there. */
  readonly expectedRevision: string | undefined
  /** By which name the caller reached the gateway. */
  readonly host: string | undefined
  readonly now: number
}

/** What a write has done, for the audit log: secrets are masked there. */
export interface Change {
  /** What was changed, as the operation calls it: an id, a name. */
  readonly target: string
  readonly before?: object
  readonly after?: object
}

export interface OperationAnswer {
  readonly status: number
  readonly body?: unknown
  /** Instead of a body: server-sent events, until they end or the caller leaves. */
  readonly events?: AsyncIterable<string | Buffer>
  readonly headers?: Readonly<Record<string, string>>
  readonly audit?: Change
}

/** One thing that the admin API does. */
export interface Operation {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its parameters in braces, as OpenAPI has them: `/api/channels/{id}`. */
  readonly path: string
  readonly access: Access
  readonly isWrite: boolean
  /** A read tells the revision of the configuration, and a write may say which one it goes by. */
  readonly hasRevision: boolean
  /** Its body is a whole document, for which there is more room. */
  readonly takesDocument: boolean
  /** Checks the call and does it. Throws `GatewayError`. */
  perform(call: OperationCall): Promise<OperationAnswer>
}

export function actorOf({ id, name, isAdmin, isTenantAdmin, tenantId }: KeyRecord): Actor {
  return { id, name, isAdmin, tenantId: isTenantAdmin ? tenantId : null }
}

export function mayCall({ isAdmin, tenantId }: Actor, access: Access): boolean {
  return access === 'public' || isAdmin || (access === 'tenant' && tenantId !== null)
}
