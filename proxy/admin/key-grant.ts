import { endpointOf, isNamed } from '../domain/endpoint.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Key, KeyFields } from '../domain/key.ts'

type Fields = Required<KeyFields>

/** What a key may use, as it is where the key of a tenant's administrator says nothing: as much as itself. */
export function grantOf({
  tenantId,
  model,
  allowedEndpoints,
  allowedModels,
  allowedChannels,
}: Key): Partial<KeyFields> {
  return { tenantId, model, allowedEndpoints, allowedModels, allowedChannels }
}

/**
 * Refuses what the key of a tenant's administrator cannot give: who administrates, whose a key is, and more than it may
 * use itself. Without that, an administrator of one tenant could open the files of the shared upstream account, or the
 * channels of another tenant, with a key of its own making. What stays as it is was given by somebody who may.
 * Throws `admin_required`.
 */
export function refuseBeyond(own: Key, before: Fields, after: Fields): void {
  const refused = [
    ...owned.filter((field) => before[field] !== after[field]),
    ...lent.filter((field) => !isSame(before[field], after[field]) && !covers[field](own, after)),
  ]
  if (refused.length === 0) return
  throw new GatewayError('admin_required', {
    message: `This needs the key of an administrator of all tenants: ${refused.join(', ')}.`,
  })
}

const owned = ['isAdmin', 'isTenantAdmin', 'tenantId'] as const
const lent = ['model', 'allowedEndpoints', 'allowedModels', 'allowedChannels'] as const
/** Whether what a key may use is a part of what another may. */
const covers: Readonly<Record<(typeof lent)[number], (own: Key, key: Fields) => boolean>> = {
  model: (own, { model }) => own.model === null || model === own.model,
  allowedEndpoints: ({ allowedEndpoints: own }, { allowedEndpoints: given }) =>
    own === null ? (given ?? []).every(isOpen) : given !== null && given.every((name) => isNamed(name, own)),
  allowedModels: ({ allowedModels: own }, { allowedModels: given }) =>
    own === null || (given !== null && coversModels(own, given)),
  allowedChannels: ({ allowedChannels: own }, { allowedChannels: given }) =>
    own === null || (given !== null && given.every((id) => own.includes(id))),
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Whether every key may call it, however the gateway is configured. */
function isOpen(name: string): boolean {
  return !name.includes('*') && endpointOf(`/v1/${name}`, [], false).isOpen
}

/** Globs: of those without a `!` any one is enough, none of them means all, and those with it are always left out. */
function coversModels(own: readonly string[], given: readonly string[]): boolean {
  const isExclusion = (glob: string): boolean => glob.startsWith('!')
  const meant = own.filter((glob) => !isExclusion(glob))
  const asked = given.filter((glob) => !isExclusion(glob))
  const isWithin = meant.length === 0 || (asked.length > 0 && asked.every((glob) => isNamed(glob, meant)))
  return isWithin && own.filter(isExclusion).every((glob) => given.includes(glob))
}
