import { CannotDecrypt, type Cipher } from '../domain/cipher.ts'

/** The text, or why it cannot be had. */
export function tryDecrypt(cipher: Cipher, sealed: string, place: string): string | CannotDecrypt {
  try {
    return cipher.decrypt(sealed, place)
  } catch (error) {
    if (error instanceof CannotDecrypt) return error
    throw error
  }
}
