import { GatewayError } from '../domain/errors.ts'
import type { Key, KeyChanges, KeyFields, KeyFilter, KeyPage, KeySummary, SecretMark } from '../domain/key.ts'
import type { Actor } from '../domain/operation.ts'
import type { TenantParts } from './tenant-parts.ts'
import { difference } from './difference.ts'
import { shown } from './key-schema.ts'

export interface KeyParts extends TenantParts {
  readonly keys: {
    findById(id: string): Promise<KeySummary | undefined>
    list(filter: KeyFilter): Promise<KeyPage>
    create(
      id: string,
      fields: KeyFields,
      secret: SecretMark,
      now: number,
      making: { readonly expectedRevision?: string },
    ): Promise<KeySummary>
    update(id: string, changes: KeyChanges, now: number, expectedRevision: string | undefined): Promise<void>
    reset(id: string, now: number, expectedRevision: string | undefined): Promise<void>
    setStatus(id: string, status: Key['status'], now: number, expectedRevision: string | undefined): Promise<void>
    rotate(
      id: string,
      secret: SecretMark,
      overlapMs: number,
      now: number,
      expectedRevision: string | undefined,
    ): Promise<void>
  }
  /** Makes a secret that nobody can guess. */
  readonly newSecret: () => SecretMark & { readonly key: string }
}

/** Of another tenant's key a tenant's administrator is not even told that it is there. Throws `not_found`. */
export async function visibleKey({ keys }: Pick<KeyParts, 'keys'>, actor: Actor, id: string): Promise<KeySummary> {
  const key = await keys.findById(id)
  if (key === undefined || !isOver(actor, key.tenantId)) throw new GatewayError('not_found')
  return key
}

/**
 * The key that a write is about. An administrator of a tenant writes to no key that administrates: with a new secret of
 * such a key it would be somebody else, and with other limits of its own it would have none. Its own secret it may
 * replace, so that one which was seen does not have to wait for somebody. Throws `not_found` or `admin_required`.
 */
export async function changeableKey(
  parts: KeyParts,
  actor: Actor,
  id: string,
  isRotation = false,
): Promise<KeySummary> {
  const key = await visibleKey(parts, actor, id)
  const isOwnRotation = isRotation && key.id === actor.id
  if (!actor.isAdmin && (key.isAdmin || key.isTenantAdmin) && !isOwnRotation) {
    throw new GatewayError('admin_required', { message: 'This key administrates; that needs an administrator of all.' })
  }
  return key
}

/** A key as a write has left it, and what that has changed. */
export async function changedKey(parts: KeyParts, before: KeySummary) {
  const after = (await parts.keys.findById(before.id)) ?? before // no key is ever removed
  return { body: shown(after), audit: { target: before.id, ...difference(settled(before), settled(after)) } }
}

/** What calls do to a key meanwhile is no part of a change. */
function settled(key: KeySummary) {
  const { lastUsedAt: _used, lifetimeTokens: _tokens, updatedAt: _updated, ...rest } = shown(key)
  return rest
}

function isOver({ isAdmin, tenantId }: Actor, owner: string | null): boolean {
  return isAdmin || (tenantId !== null && tenantId === owner)
}
