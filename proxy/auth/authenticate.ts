import { GatewayError } from '../domain/errors.ts'
import { type Key, type KeyRecord, standingOf } from '../domain/key.ts'
import { hashSecret } from './secret.ts'

/** What a caller sent as its key; undefined when nothing. */
type Credential = string | undefined

export interface KeySource {
  /** The key with this SHA-256, or undefined. */
  findByHash(hash: string): Promise<KeyRecord | undefined>
  findByIds(ids: readonly string[]): Promise<readonly (Key & { readonly hash: string })[]>
  /** Whether keys in memory are recent enough to let somebody in. */
  isFresh(): boolean
}

export interface Authenticator {
  /** The key of a credential, if it may call now. Throws `key_…` errors and `storage_unavailable`. */
  readonly authenticate: (credential: Credential) => Promise<KeyRecord>
  /** Reads all keys in memory again, and forgets which ones are unknown. */
  reload(): Promise<void>
  /** The keys in memory. */
  known(): IterableIterator<KeyRecord>
  stats(): { readonly hits: number; readonly misses: number; readonly size: number }
}

/** Unknown keys are remembered so that guessing does not reach the database; briefly, and no more than so many. */
const UNKNOWN_TTL_MS = 30_000
const MAX_UNKNOWN = 10_000
const MAX_KEY_CHARS = 512

export function createAuthenticator(source: KeySource, now: () => number): Authenticator {
  /** By hash. As many as there are valid keys in use: a caller cannot make it grow. */
  const known = new Map<string, KeyRecord>()
  const unknown = new Map<string, number>()
  const looking = new Map<string, Promise<KeyRecord | undefined>>()
  let reloading = Promise.resolve()
  let reloads = 0
  let hits = 0
  let misses = 0

  const lookUp = async (hash: string): Promise<KeyRecord | undefined> => {
    misses += 1
    const before = reloads
    let key: KeyRecord | undefined
    try {
      key = await source.findByHash(hash)
    } catch (cause) {
      throw new GatewayError('storage_unavailable', { cause, retryAfterMs: 1000 })
    }
    // What was read before a change must not outlive the reload that the change caused.
    if (reloads !== before) return lookUp(hash)
    if (key) known.set(hash, key)
    else rememberUnknown(unknown, hash, now() + UNKNOWN_TTL_MS)
    return key
  }

  const find = (hash: string): Promise<KeyRecord | undefined> | KeyRecord | undefined => {
    const key = known.get(hash)
    if (key && source.isFresh()) {
      hits += 1
      return key
    }
    if ((unknown.get(hash) ?? 0) > now()) return undefined
    let look = looking.get(hash)
    if (look === undefined) {
      look = lookUp(hash).finally(() => looking.delete(hash))
      looking.set(hash, look)
    }
    return look
  }

  const readAgain = async (): Promise<void> => {
    reloads += 1
    unknown.clear()
    const before = [...known.values()]
    const current = new Map((await source.findByIds(before.map(({ id }) => id))).map((key) => [key.id, key]))
    // A key that was rotated is found under its new hash only. Accounts go on: its usage is what it was.
    // What was found meanwhile stays: it was read after the change.
    for (const old of before) {
      const key = current.get(old.id)
      if (key?.hash !== old.hash) known.delete(old.hash)
      if (key) known.set(key.hash, { ...old, ...key })
    }
  }

  return {
    async authenticate(credential) {
      const key = await find(hashSecret(readCredential(credential)))
      if (key === undefined) throw legacyError('key_invalid')
      return inForce(key, now())
    },
    reload() {
      // One after the other, whether the one before failed or not: an early read must not overwrite a later one.
      reloading = reloading.then(readAgain, readAgain)
      return reloading
    },
    known: () => known.values(),
    stats: () => ({ hits, misses, size: known.size }),
  }
}

/** A key that cannot be one is refused without a look-up. */
function readCredential(credential: Credential): string {
  if (credential === undefined) throw legacyError('key_missing')
  if (credential === '') throw legacyError('key_blank')
  if (credential.length > MAX_KEY_CHARS || !/^[\x21-\x7e]+$/.test(credential)) throw legacyError('key_invalid')
  return credential
}

function inForce(key: KeyRecord, now: number): KeyRecord {
  switch (standingOf(key, now)) {
    case 'active':
      return key
    case 'expired': {
      const message = `API key expired on ${new Date(key.expiresAt ?? 0).toISOString()}`
      throw new GatewayError('key_expired', { message, legacy: message })
    }
    case 'disabled':
      throw new GatewayError('key_disabled')
    case 'revoked':
      throw new GatewayError('key_revoked')
  }
}

/** System A's errors of this kind have a sentence as the value of `error`. */
function legacyError(code: 'key_missing' | 'key_blank' | 'key_invalid'): GatewayError {
  const error = new GatewayError(code)
  return new GatewayError(code, { legacy: error.message })
}

function rememberUnknown(unknown: Map<string, number>, hash: string, until: number): void {
  if (unknown.size >= MAX_UNKNOWN) {
    const [oldest] = unknown.keys()
    if (oldest !== undefined) unknown.delete(oldest)
  }
  unknown.set(hash, until)
}
