import { join } from 'node:path'
import { BadEnvironment } from './config.ts'
import type { Cipher } from './domain/cipher.ts'
import { createCipher } from './secrets/cipher.ts'
import { BadKeys, KEY_FILE, loadKeys } from './secrets/load-keys.ts'

interface KeySettings {
  readonly DATA_DIR: string
  readonly ENCRYPTION_KEY?: string | undefined
}

interface OpenedCipher {
  readonly cipher: Cipher
  /** Sentences for the log. */
  readonly warnings: readonly string[]
}

/** What secrets are encrypted with here. `mayMake` is for who is about to encrypt. Throws `BadEnvironment`. */
export async function openCipher(
  { DATA_DIR, ENCRYPTION_KEY }: KeySettings,
  { mayMake }: { readonly mayMake: boolean },
): Promise<OpenedCipher> {
  try {
    const source = { variable: ENCRYPTION_KEY, file: join(DATA_DIR, KEY_FILE), mayMake }
    const { keys, warnings } = await loadKeys(source)
    return { cipher: createCipher(keys), warnings }
  } catch (error) {
    throw error instanceof BadKeys ? new BadEnvironment(error.message, { cause: error }) : error
  }
}
