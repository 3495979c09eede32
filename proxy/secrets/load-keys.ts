import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Keys, parseKeys } from './parse-keys.ts'

/** In the data folder. */
export const KEY_FILE = 'encryption.key'

const KEY_BYTES = 32
/** Longer than any list of keys. */
const MAX_FILE_BYTES = 65_536
const OF_OTHERS = 0o077

interface KeySource {
  /** What `ENCRYPTION_KEY` says; it alone counts where it is set. */
  readonly variable: string | undefined
  /** Where they are kept otherwise. */
  readonly file: string
  /** Whether a key is made where there is none. Only who is about to encrypt has a use for a new one. */
  readonly mayMake: boolean
}

interface LoadedKeys {
  readonly keys: Keys
  /** Sentences for the log. */
  readonly warnings: readonly string[]
}

/** The keys cannot be had. `message` is one sentence that begins with `ENCRYPTION_KEY`, and quotes nothing of them. */
export class BadKeys extends Error {
  override readonly name = 'BadKeys'
}

/** Reads the keys that secrets are encrypted under. Throws `BadKeys`. */
export async function loadKeys({ variable, file, mayMake }: KeySource): Promise<LoadedKeys> {
  if (variable !== undefined) return { keys: keysIn(variable, ''), warnings: [] }
  try {
    const isNew = mayMake && (await makeFile(file))
    const { size, mode } = await stat(file)
    if (size > MAX_FILE_BYTES) throw new BadKeys(`ENCRYPTION_KEY: ${file} is too long to hold keys.`)
    const keys = keysIn((await readFile(file, 'utf8')).trim(), `${file}: `)
    const warnings = [
      ...(isNew ? [`An encryption key was made in ${file}: keep a copy of it, and give it to all replicas.`] : []),
      ...((mode & OF_OTHERS) === 0 ? [] : [`${file} may be used by others than its owner; chmod 600 takes that away.`]),
    ]
    return { keys, warnings }
  } catch (error) {
    throw error instanceof BadKeys ? error : unreadable(file, error)
  }
}

function keysIn(list: string, where: string): Keys {
  const parsed = parseKeys(list)
  if (parsed.kind === 'problem') throw new BadKeys(`ENCRYPTION_KEY: ${where}${parsed.problem}.`)
  return parsed.keys
}

/**
 * Makes the file unless it is there, and answers whether it did. The name appears with the whole key behind it: of two
 * processes that start together one makes it, and the other never reads half of it.
 */
async function makeFile(file: string): Promise<boolean> {
  if (await isThere(file)) return false
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const making = `${file}.${randomBytes(8).toString('hex')}`
  try {
    const made = await open(making, 'wx', 0o600)
    try {
      await made.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`)
      await made.sync()
    } finally {
      await made.close()
    }
    await link(making, file)
    await syncFolder(dirname(file)) // what is encrypted from now on must not outlive the key
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(making, { force: true })
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function unreadable(file: string, cause: unknown): BadKeys {
  const code = codeOf(cause)
  const problem =
    code === 'ENOENT'
      ? `it is not set, and there is no ${file}`
      : `it is not set, and ${file} cannot be used (${code ?? 'unknown error'})`
  return new BadKeys(`ENCRYPTION_KEY: ${problem}.`, { cause })
}

function codeOf(error: unknown): string | undefined {
  const isCoded = error instanceof Error && 'code' in error && typeof error.code === 'string'
  return isCoded ? (error.code as string) : undefined // safe: it was looked at
}
