import { hash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { SecretMark } from '../../domain/key.ts'
import { StoreError } from '../../domain/store-error.ts'
import { definitionsOf, type FileRecord, idOf, type KeyFile, parseKeyFile } from './key-file.ts'
import { identityOf } from './replace-file.ts'
import { withKnownUsage } from './stale-save.ts'

/**
 * Two changes within one tick of the kernel's clock have the same time. So what was read this soon after a change is
 * read again, and only compared.
 */
const SETTLED_MS = 50

export interface KnownRecord {
  readonly record: FileRecord
  readonly mark: SecretMark
}

/** The key file in memory, as it was at one time. */
export interface Version {
  readonly file: KeyFile
  /** Of the state on disk, as `identityOf` has it. */
  readonly identity: string
  readonly byHash: ReadonlyMap<string, KnownRecord>
  readonly byId: ReadonlyMap<string, KnownRecord>
  readonly idOfKey: (key: string) => string
  readonly revision: string
}

export interface Versions {
  /** The file as it is now. Throws a `StoreError` if it is none. */
  current(): Promise<Version>
  /** The same, or how it was when it was last a key file: a hand edit that is half done takes no key away. */
  lastGood(): Promise<Version>
  /** What this process has just made of a version, which need not be read. Its keys are the same. */
  adopt(before: Version, file: KeyFile, text: string, stats: BigIntStats): void
}

interface Seen {
  readonly identity: string
  readonly isSettled: boolean
  readonly text: string
  readonly result: Version | StoreError
}

export function createVersions(path: string, markSecret: (key: string) => SecretMark): Versions {
  let good: Version | undefined
  let seen: Seen | undefined
  let marks: ReadonlyMap<string, SecretMark> = new Map()

  const see = (text: string, stats: BigIntStats, result: Version | StoreError): Version | StoreError => {
    const isSettled = Date.now() - Number(stats.mtimeNs / 1_000_000n) > SETTLED_MS
    seen = { identity: identityOf(stats), isSettled, text, result }
    if (!(result instanceof StoreError)) good = result
    return result
  }

  /** Hashes are kept: most keys are the same in the next version. */
  const toVersion = (file: KeyFile, stats: BigIntStats, revision: string): Version => {
    const known = file.keys.map((record) => ({ record, mark: marks.get(record.key) ?? markSecret(record.key) }))
    const markOfKey = new Map(known.map(({ record, mark }) => [record.key, mark]))
    marks = markOfKey
    return {
      file,
      identity: identityOf(stats),
      byHash: new Map(known.map((one) => [one.mark.hash, one])),
      byId: new Map(known.map((one) => [idOf(one.mark), one])),
      idOfKey: (key) => idOf(markOfKey.get(key) ?? markSecret(key)),
      revision,
    }
  }

  const parse = (text: string, stats: BigIntStats): Version | StoreError => {
    try {
      const saved = parseKeyFile(text, path)
      const file = good ? withKnownUsage(saved, good.file) : saved
      return toVersion(file, stats, hash('sha256', definitionsOf(file), 'hex'))
    } catch (error) {
      if (error instanceof StoreError) return error
      throw error
    }
  }

  const look = async (): Promise<Version | StoreError> => {
    const before = seen
    if (before?.isSettled && before.identity === identityOf(await stat(path, { bigint: true }))) return before.result
    const { text, stats } = await readText(path)
    if (text !== seen?.text) return see(text, stats, parse(text, stats))
    const { result } = seen
    return see(text, stats, result instanceof StoreError ? result : { ...result, identity: identityOf(stats) })
  }

  const current = async (): Promise<Version> => {
    const result = await look()
    if (result instanceof StoreError) throw result
    return result
  }

  return {
    current,
    lastGood: () =>
      current().catch((error: unknown) => {
        if (good && error instanceof StoreError) return good
        throw error
      }),
    adopt: (before, file, text, stats) => {
      see(text, stats, toVersion(file, stats, before.revision))
    },
  }
}

/** Damaged bytes would be replaced by others when the file is written, so they are refused; a byte order mark is not kept. */
async function readText(path: string): Promise<{ readonly text: string; readonly stats: BigIntStats }> {
  const file = await open(path)
  try {
    const stats = await file.stat({ bigint: true }) // before the content: what changes while it is read is read again
    const bytes = await file.readFile()
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), stats }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new StoreError('validation', `DATA_FILE: ${path} is not UTF-8`, { operation: 'read the key file' })
  } finally {
    await file.close()
  }
}
