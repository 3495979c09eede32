import { GatewayError } from '../domain/errors.ts'
import { type KeyRecord, opens, standingOf, type StoredKey } from '../domain/key.ts'
import { countedAddress } from './address.ts'
import type { Guard } from './guard.ts'
import { createKnownKeys } from './known-keys.ts'
import { hashSecret } from './secret.ts'

/** What a caller sent as its key; undefined when nothing. */
type Credential = string | undefined

/** Where the call comes from; asked only when the key is not known. */
type AddressOf = () => string | undefined

export interface KeySource {
  /** The key that has, or before its rotation had, a secret with this SHA-256; or undefined. */
  findByHash(hash: string): Promise<KeyRecord | undefined>
  findByIds(ids: readonly string[]): Promise<readonly StoredKey[]>
  /** Those that were used within a day, and those that administrate. */
  findInUse(): Promise<readonly KeyRecord[]>
  /** Changes whenever a key does. */
  keyRevision(): Promise<string>
  /** Whether keys in memory are recent enough to let somebody in. */
  isFresh(): boolean
}

export interface Authenticator {
  /**
   * The key of a credential, if it may call now. Throws `key_…` errors, `tenant_disabled`, `address_blocked` and
   * `storage_unavailable`.
   */
  readonly authenticate: (credential: Credential, addressOf: AddressOf) => Promise<KeyRecord>
  /** Reads all keys in memory again, and forgets which ones are unknown. */
  reload(): Promise<void>
  /** The same, if a key has changed since. */
  refresh(): Promise<void>
  /** Takes keys into memory, so that their first calls need not look them up: without `read` those in use. */
  preload(read?: () => Promise<readonly KeyRecord[]>): Promise<void>
  /** The keys in memory. */
  known(): IterableIterator<KeyRecord>
  stats(): {
    readonly hits: number
    readonly misses: number
    readonly size: number
    /** Wrong keys. */
    readonly failures: number
    /** Calls that were refused for the wrong keys of others at their address. */
    readonly blocked: number
  }
}

/** Unknown keys are remembered so that guessing does not reach the database; briefly, and no more than so many. */
const UNKNOWN_TTL_MS = 30_000
const MAX_UNKNOWN = 10_000
const MAX_KEY_CHARS = 512

/** Without a guard keys may be guessed without end. */
export function createAuthenticator(source: KeySource, now: () => number, guard?: Guard): Authenticator {
  const known = createKnownKeys()
  const unknown = new Map<string, number>()
  const looking = new Map<string, Promise<KeyRecord | undefined>>()
  const inTurn = createTurn()
  /** That of the keys in memory, or one before. */
  let revision: string | undefined
  let reloads = 0
  const counts = { hits: 0, misses: 0, failures: 0, blocked: 0 }

  /** What was read before a change must not outlive the reload that the change caused. */
  const readCurrent = async <T>(read: () => Promise<T>): Promise<T> => {
    for (;;) {
      const before = reloads
      const found = await read()
      if (reloads === before) return found
    }
  }
  const lookUp = async (hash: string): Promise<KeyRecord | undefined> => {
    counts.misses += 1
    const key = await readCurrent(() => source.findByHash(hash)).catch((cause: unknown) => {
      throw new GatewayError('storage_unavailable', { cause, retryAfterMs: 1000 })
    })
    if (key) known.put(key)
    else rememberUnknown(unknown, hash, now() + UNKNOWN_TTL_MS)
    return key
  }

  const find = (hash: string): Promise<KeyRecord | undefined> | undefined => {
    if ((unknown.get(hash) ?? 0) > now()) return undefined
    let look = looking.get(hash)
    if (look === undefined) {
      look = lookUp(hash).finally(() => looking.delete(hash))
      looking.set(hash, look)
    }
    return look
  }

  const openedBy = (hash: string | undefined, key: KeyRecord | undefined): KeyRecord | undefined =>
    key && hash !== undefined && opens(key, hash, now()) ? key : undefined

  const refuseBlocked = (address: string): void => {
    const retryAfterMs = guard?.blockedForMs(address) ?? 0
    if (retryAfterMs === 0) return
    counts.blocked += 1
    throw new GatewayError('address_blocked', { retryAfterMs })
  }

  const readIf = async (isWanted: (next: string) => boolean): Promise<void> => {
    const next = await source.keyRevision() // before the keys: what changes meanwhile is read once more
    if (!isWanted(next)) return
    reloads += 1
    unknown.clear()
    const before = [...known.values()]
    known.renew(before, await source.findByIds(before.map(({ id }) => id)))
    revision = next
  }

  return {
    async authenticate(credential, addressOf) {
      const hash = hashOf(credential)
      const inMemory = hash === undefined ? undefined : known.find(hash)
      const isSettled = inMemory !== undefined && source.isFresh()
      const opened = openedBy(hash, inMemory)
      if (opened && isSettled) {
        counts.hits += 1
        return inForce(opened, now())
      }
      // What is in memory is no guess: it may be read again, whatever its address has done.
      const address = guard === undefined || opened ? undefined : countedAddress(addressOf())
      if (address !== undefined) refuseBlocked(address)
      // A secret that is known to have been rotated away, and whose time is over, needs no look-up.
      const key = hash === undefined || isSettled ? undefined : openedBy(hash, await find(hash))
      if (key) return inForce(key, now())
      counts.failures += 1
      if (address !== undefined) guard?.failed(address)
      throw legacyError('key_invalid')
    },
    reload: () => inTurn(() => readIf(() => true)),
    refresh: () => inTurn(() => readIf((next) => next !== revision)),
    async preload(read = () => source.findInUse()) {
      for (const key of await readCurrent(read)) known.put(key)
    },
    known: () => known.values(),
    stats: () => ({ ...counts, size: known.size() }),
  }
}

/** One after the other, whether the one before failed or not: an early read must not overwrite a later one. */
function createTurn(): (read: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve()
  return (read) => (last = last.then(read, read))
}

/** Undefined for what cannot be a key: it is refused without a look-up. */
function hashOf(credential: Credential): string | undefined {
  if (credential === undefined) throw legacyError('key_missing')
  if (credential === '') throw legacyError('key_blank')
  const isPossible = credential.length <= MAX_KEY_CHARS && /^[\x21-\x7e]+$/.test(credential)
  return isPossible ? hashSecret(credential) : undefined
}

function inForce(key: KeyRecord, now: number): KeyRecord {
  switch (standingOf(key, now)) {
    case 'active':
      if (key.tenant?.status === 'disabled') throw new GatewayError('tenant_disabled')
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
