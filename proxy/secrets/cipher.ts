import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { CannotDecrypt, type Cipher } from '../domain/cipher.ts'
import type { Keys } from './parse-keys.ts'

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
/** 96 bits of chance serve 2^32 texts under one key (NIST SP 800-38D, section 8.3). */
const IV_BYTES = 12
const TAG_BYTES = 16
const ENCRYPTING = 'tollgate secrets v1'
const SEALED = /^v1\.(?<keyId>[0-9a-f]{8})\.(?<iv>[\w-]{16})\.(?<body>[\w-]{22,})$/

/**
 * Encrypts under the first of the keys, decrypts under all: `v1.<key id>.<iv>.<ciphertext and tag>`, the last two in
 * base64url. A key of 32 bytes is used for nothing by itself: what each use has is derived from it (HKDF, RFC 5869).
 */
export function createCipher(keys: Keys): Cipher {
  const fingerprint = fingerprintOf(keys[0])
  const currentKeyId = keyIdIn(fingerprint)
  const currentKey = derive(keys[0], ENCRYPTING)
  const byId = new Map(keys.map((key) => [keyIdIn(fingerprintOf(key)), derive(key, ENCRYPTING)]))
  return {
    currentKeyId,
    fingerprint,

    encrypt(text, place) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(ALGORITHM, currentKey, iv, { authTagLength: TAG_BYTES })
      cipher.setAAD(Buffer.from(place))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `v1.${currentKeyId}.${iv.toString('base64url')}.${body.toString('base64url')}`
    },

    decrypt(sealed, place) {
      const { keyId = '', iv = '', body = '' } = SEALED.exec(sealed)?.groups ?? {}
      if (keyId === '') throw new CannotDecrypt('it is not in the form of what was encrypted')
      const key = byId.get(keyId)
      if (!key) throw new CannotDecrypt(`the key ${keyId} is missing`)
      const bytes = Buffer.from(body, 'base64url')
      try {
        const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(iv, 'base64url'), { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(-TAG_BYTES))
        return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString()
      } catch (cause) {
        throw new CannotDecrypt(`it was changed or moved since it was encrypted under the key ${keyId}`, { cause })
      }
    },

    keyIdOf: (sealed) => SEALED.exec(sealed)?.groups?.['keyId'],
  }
}

function derive(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', use, KEY_BYTES))
}

/** A hash of what is derived: nobody who tries keys against it learns more than whether a key is the right one. */
function fingerprintOf(key: Buffer): string {
  return createHash('sha256').update(derive(key, 'tollgate key id')).digest('hex')
}

function keyIdIn(fingerprint: string): string {
  return fingerprint.slice(0, 8)
}
