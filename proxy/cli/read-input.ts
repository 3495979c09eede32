import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { CommandError, type Environment } from './errors.ts'

/** Where secrets come from: never from the arguments, which everybody on the machine can see. */
export interface KeySources {
  readonly keyEnv?: readonly string[]
  readonly keyFile?: string
}

const STANDARD_INPUT = '-'

export async function readKeys({ keyEnv = [], keyFile }: KeySources, env: Environment): Promise<readonly string[]> {
  const ofEnvironment = keyEnv.map((name) => {
    const key = env[name]?.trim()
    if (!key) throw new CommandError(`The variable ${name} is not set, or empty.`)
    return key
  })
  if (keyFile === undefined) return ofEnvironment
  const lines = (await read(keyFile)).split('\n').map((line) => line.trim())
  const ofFile = lines.filter((line) => line !== '')
  if (ofFile.length === 0) throw new CommandError(`${called(keyFile)} holds no key.`)
  return [...ofEnvironment, ...ofFile]
}

/** A JSON object. What it holds is never told: there may be secrets in it. */
export async function readDocument(
  file: string,
  keyFile: string | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  if (file === STANDARD_INPUT && keyFile === STANDARD_INPUT)
    throw new CommandError('Standard input is either the document or the keys; put one of them into a file.')
  const document = parsed(await read(file))
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new CommandError(`${called(file)} holds no JSON object.`)
  return document as Readonly<Record<string, unknown>> // safe: an object, of which nothing else is known
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined // its error would quote the text
  }
}

async function read(file: string): Promise<string> {
  try {
    return file === STANDARD_INPUT ? await text(process.stdin) : await readFile(file, 'utf8')
  } catch (error) {
    throw new CommandError(`It cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function called(file: string): string {
  return file === STANDARD_INPUT ? 'Standard input' : file
}
