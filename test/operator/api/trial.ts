import { GROUP, VERSION } from '../../../operator/api/group.ts'

export type Json = Readonly<Record<string, unknown>>

export interface Manifest extends Json {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: Json
}

/** What one rule lets in and what it does not: merge patches (RFC 7396) of the least that an object can be. */
export interface Trial {
  readonly kind: string
  /** What the API server says of the refused one, or the field that it names where no rule of CEL refuses it. */
  readonly message: string
  readonly base: Json
  /** For rules about changes: as what the object is made before. */
  readonly before?: Json
  readonly accepted: Json
  readonly refused: Json
}

/** The manifest that a patch makes of the trial's base, or of what was there before. */
export function manifestOf({ kind, base, before = {} }: Trial, patch: Json): Manifest {
  const object = { apiVersion: `${GROUP}/${VERSION}`, kind, metadata: { name: 'trial' }, spec: base }
  return merged(merged(object, before), patch) as Manifest // safe: a patch of a trial leaves the frame as it is
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const before = isObject(target) ? target : {}
  const entries = Object.entries(patch).map(([name, value]) => [name, merged(before[name], value)])
  return Object.fromEntries(
    Object.entries({ ...before, ...Object.fromEntries(entries) }).filter(([, value]) => value !== null),
  )
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
