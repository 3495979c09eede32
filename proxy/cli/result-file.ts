import { writeFile } from 'node:fs/promises'
import { BadEnvironment } from '../config.ts'
import { StoreError } from '../domain/store-error.ts'
import { SchemaBehind, SchemaTooNew } from '../store/migrate.ts'
import { CommandError } from './errors.ts'

/** Kubernetes cuts a termination message there, and half a JSON document is none. */
const MAX_BYTES = 4096
const MAX_MESSAGE_LENGTH = 1000

export interface ResultOptions {
  readonly result?: string
}

/**
 * Writes one line of JSON into `file`, for whoever started this program and sees no more of it: what `work` tells, and
 * `error` with its `code` and `message` where it failed. Lists that make it longer than 4 KiB are left out.
 */
export async function withResult(
  file: string | undefined,
  work: (tell: (result: object) => void) => Promise<void>,
): Promise<void> {
  if (file === undefined) return work(() => {})
  await write(file, '') // so that a file that cannot be written is known before anything is done
  let result: object = {}
  try {
    await work((told) => {
      result = told
    })
  } catch (error) {
    result = { ...result, error: { code: codeOf(error), message: messageOf(error) } }
    throw error
  } finally {
    await write(file, `${fitting(result)}\n`)
  }
}

function fitting(result: object): string {
  const kept = Object.entries(result)
  const line = (): string => JSON.stringify(Object.fromEntries(kept))
  while (Buffer.byteLength(line()) >= MAX_BYTES) {
    const list = kept.findIndex(([, value]) => Array.isArray(value))
    if (list === -1) break
    kept.splice(list, 1)
  }
  return line()
}

/** Programs tell failures apart by it: docs/storage.md has the list. */
function codeOf(error: unknown): string {
  if (error instanceof BadEnvironment) return 'environment_invalid'
  const reason = error instanceof CommandError ? error.cause : error
  if (reason instanceof SchemaTooNew) return 'schema_too_new'
  if (reason instanceof SchemaBehind) return 'schema_behind'
  if (reason instanceof StoreError) return reason.kind === 'connection' ? 'storage_away' : 'storage_refused'
  return 'failed'
}

/** What was not foreseen may say anything: it stays in the log. */
function messageOf(error: unknown): string {
  const isMeant = error instanceof CommandError || error instanceof BadEnvironment || error instanceof StoreError
  return isMeant ? error.message.slice(0, MAX_MESSAGE_LENGTH) : 'It failed for a reason that the log tells.'
}

/** In place, since a container's termination log is mounted as a file and cannot be replaced by another one. */
async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (error) {
    throw new CommandError(`The result cannot be written: ${error instanceof Error ? error.message : String(error)}`)
  }
}
