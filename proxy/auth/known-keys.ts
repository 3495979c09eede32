import type { KeyRecord, StoredKey } from '../domain/key.ts'

/** The keys in memory: as many as there are valid keys in use, so a caller cannot make them grow. */
export interface KnownKeys {
  /** A key by the hash of its secret, or of the secret that it had before it was rotated. */
  find(hash: string): KeyRecord | undefined
  put(key: KeyRecord): void
  /** Puts what the keys of `before` have become in their place; those that are not in `current` are gone. */
  renew(before: readonly KeyRecord[], current: readonly StoredKey[]): void
  values(): IterableIterator<KeyRecord>
  size(): number
}

export function createKnownKeys(): KnownKeys {
  const byHash = new Map<string, KeyRecord>()
  /** From the hash of an old secret to that of the new one. */
  const rotated = new Map<string, string>()

  const put = (key: KeyRecord): void => {
    byHash.set(key.hash, key)
    if (key.previousHash !== null) rotated.set(key.previousHash, key.hash)
  }
  const remove = ({ hash, previousHash }: StoredKey): void => {
    byHash.delete(hash)
    if (previousHash !== null) rotated.delete(previousHash)
  }
  return {
    find: (hash) => byHash.get(hash) ?? byHash.get(rotated.get(hash) ?? ''),
    put,
    renew(before, current) {
      const byId = new Map(current.map((key) => [key.id, key]))
      // A key that was rotated is found under its new hashes only. Accounts go on: its usage is what it was.
      // What was found meanwhile stays: it was read after the change.
      for (const old of before) {
        const key = byId.get(old.id)
        if (key?.hash !== old.hash || key.previousHash !== old.previousHash) remove(old)
        // What a key or its tenant has used is read anew after a reset, and where the tenant is another one.
        if (key && isCountedAnew(old, key)) remove(key)
        else if (key) put({ ...old, ...key })
      }
    },
    values: () => byHash.values(),
    size: () => byHash.size,
  }
}

function isCountedAnew(old: StoredKey, key: StoredKey): boolean {
  return key.resetAt !== old.resetAt || key.tenantId !== old.tenantId || key.tenant?.resetAt !== old.tenant?.resetAt
}
