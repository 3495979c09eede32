import { type ApiKeyStoreStatus, apiKeyStoreStatus } from '../api/api-key-store-status.ts'
import { apiKeyStoreSpec } from '../api/api-key-store.ts'
import type { KubernetesObject, Store } from '../api/object.ts'

export type Reading =
  | { readonly kind: 'store'; readonly store: Store }
  /** Where it is wrong and what of it, but not what it says there. */
  | { readonly kind: 'invalid'; readonly problems: string }

const MAX_PROBLEMS = 5

/** The API server has checked most of it; what was stored before a rule was made, it has not. */
export function readStore({ metadata, ...object }: KubernetesObject): Reading {
  const { success, data, error } = apiKeyStoreSpec.safeParse(object['spec'])
  if (!success) {
    const problems = error.issues
      .slice(0, MAX_PROBLEMS)
      .map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`)
    return { kind: 'invalid', problems: `${problems.join('; ')}.` }
  }
  const { name, namespace = 'default', uid = '', generation = 0 } = metadata
  return { kind: 'store', store: { name, namespace, uid, generation, spec: data } }
}

/** Without the fields that another version wrote in another way: the memory of a migration is not lost over a condition. */
export function readStatus(object: KubernetesObject): ApiKeyStoreStatus {
  const { success, data, error } = apiKeyStoreStatus.safeParse(object['status'] ?? {})
  if (success) return data
  const bad = new Set(error.issues.map(({ path }) => path[0]))
  const kept = Object.entries(object['status'] ?? {}).filter(([field]) => !bad.has(field))
  return apiKeyStoreStatus.safeParse(Object.fromEntries(kept)).data ?? {}
}
