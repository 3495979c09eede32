/** Encrypts what is secret before it is stored. */
export interface Cipher {
  /** The key that encrypts, by eight hex digits that tell nothing about it. */
  readonly currentKeyId: string
  /** Of the key that encrypts, 64 hex digits: whoever restores a backup can tell whether they have it. */
  readonly fingerprint: string
  /** `place` names the table, the row and the column: elsewhere the result cannot be decrypted. */
  encrypt(text: string, place: string): string
  /** Throws `CannotDecrypt`. */
  decrypt(sealed: string, place: string): string
  /** The id of the key that `sealed` was encrypted under; undefined for what was never encrypted. */
  keyIdOf(sealed: string): string | undefined
}

/** `message` holds nothing of the text, only the id of its key. */
export class CannotDecrypt extends Error {
  override readonly name = 'CannotDecrypt'
}
