import { hash, randomBytes } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** The largest multiple of the alphabet's size in a byte: what lies above would make some characters likelier. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length)
const SECRET_CHARS = 40
const PREFIX_CHARS = 10

export interface Secret {
  /** The key itself; shown once and never stored. */
  readonly key: string
  readonly hash: string
  readonly prefix: string
}

/** A new secret: `tg_` and 40 letters and digits, 238 random bits, of which the prefix shows 42. */
export function createSecret(): Secret {
  let chars = ''
  while (chars.length < SECRET_CHARS) {
    for (const byte of randomBytes(SECRET_CHARS)) {
      if (byte < FAIR_BYTES && chars.length < SECRET_CHARS) chars += ALPHABET[byte % ALPHABET.length]
    }
  }
  return markSecret(`tg_${chars}`)
}

/** The hash and prefix of a secret that came from elsewhere. */
export function markSecret(key: string): Secret {
  return { key, hash: hashSecret(key), prefix: key.slice(0, Math.min(PREFIX_CHARS, Math.floor(key.length / 4))) }
}

/**
 * SHA-256, in hex. No salt and no stretching: a secret of this many random bits cannot be guessed, and every call pays
 * for the hash. Comparing hashes also spares a comparison in constant time: what leaks is of the hash.
 */
export function hashSecret(key: string): string {
  return hash('sha256', key, 'hex')
}
