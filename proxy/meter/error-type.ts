import { storable } from '../domain/storable.ts'

interface EventJson {
  readonly type?: unknown
  readonly error?: unknown
  readonly response?: unknown
}

/** What kind of error an event of a stream tells of, in the upstream's words; undefined where it tells of none. */
export function errorTypeOf(json: EventJson): string | undefined {
  const { response } = json as { readonly response?: { readonly error?: unknown } | null } // safe: all optional
  const error = json.error ?? response?.error ?? (json.type === 'error' ? json : undefined)
  if (!error) return undefined
  const { type, code } = error as { readonly type?: unknown; readonly code?: unknown } // safe: both may be absent
  const named = [code, type].find((value) => typeof value === 'string')
  return typeof named === 'string' ? storable(named) : 'error'
}
