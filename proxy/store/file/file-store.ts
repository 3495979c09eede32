import { access, constants, open, realpath, rm } from 'node:fs/promises'
import type { KeyRecord, SecretMark } from '../../domain/key.ts'
import type { Applied, Store } from '../../domain/store.ts'
import { StoreError } from '../../domain/store-error.ts'
import { applyBatch, type Change, readRows, withoutWindowsBefore } from './apply-batch.ts'
import { appliedMark, printKeyFile, toKey, toUsage } from './key-file.ts'
import { leftoverPath, sweepLeftovers } from './leftovers.ts'
import { withLock } from './lock.ts'
import { replaceFile } from './replace-file.ts'
import { createVersions, type KnownRecord, type Version } from './versions.ts'

/** How often a write begins again because somebody else changed the file meanwhile. */
const MAX_ATTEMPTS = 20
/** What the file system will say again, until somebody changes a permission or a mount. */
const REFUSALS = new Set(['EACCES', 'EPERM', 'EROFS', 'EISDIR', 'EBUSY'])

export interface FileStoreOptions {
  /** How a key is hashed, and what of it may be shown. */
  readonly markSecret: (key: string) => SecretMark
  /** How long a write waits for the lock. */
  readonly lockWaitMs?: number
  readonly now?: () => number
}

/**
 * System A's key file as a store. Keys are made, changed and revoked by editing the file, also while it is in use; what
 * they have used is written into it, together with how far each spool is counted.
 */
export function createFileStore(
  path: string,
  { markSecret, lockWaitMs = 5000, now = Date.now }: FileStoreOptions,
): Store {
  const versions = createVersions(path, markSecret)
  const told = <T>(operation: string, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw toStoreError(error, operation, path)
    })

  /** Reads, changes and replaces the file. `change` answers undefined where nothing is to be done. */
  const update = async (change: (version: Version) => Change | undefined): Promise<readonly Applied[]> => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const target = await realpath(path) // a link stays one
      const applied = await withLock(target, lockWaitMs, async (isHeld) => {
        const version = await versions.current()
        const changed = change(version)
        if (!changed) return []
        const text = printKeyFile(changed.file)
        const stats = await replaceFile(target, text, version.identity, isHeld)
        if (!stats) return undefined
        versions.adopt(version, changed.file, text, stats)
        return changed.applied
      })
      if (applied) return applied
    }
    throw new StoreError('connection', `${path} is being changed all the time`, { operation: 'write the key file' })
  }

  return {
    initialise: () => initialise(path, () => versions.current()),

    findByHash: (hash, usedSince) =>
      told('find a key', versions.lastGood()).then(({ byHash }) => toRecord(byHash.get(hash), usedSince)),

    async usageOf(id, usedSince) {
      const known = (await told('find what a key has used', versions.lastGood())).byId.get(id)
      return known && toUsage(known.record, usedSince)
    },

    async findByIds(ids) {
      const { byId } = await told('find keys', versions.lastGood())
      return ids.flatMap((id) => {
        const known = byId.get(id)
        return known ? [toKey(known.record, known.mark)] : []
      })
    },

    revision: () => told('read the revision', versions.current()).then(({ revision }) => revision),

    async write({ rows, mark }) {
      const operation = 'write entries'
      if (!mark) {
        throw new StoreError('query', 'entries cannot be read back into a key file; use a database', { operation })
      }
      const entries = readRows(rows)
      const written = update(({ file, idOfKey }) => applyBatch(file, entries, mark, idOfKey, now()))
      return told(operation, written.catch(keepEntries))
    },

    markOf: (spool) => told('read a mark', versions.lastGood()).then(({ file }) => appliedMark(file, spool)),

    async prune(_, windowsBefore) {
      const pruned = update(({ file }) => {
        const kept = withoutWindowsBefore(file, windowsBefore)
        return kept === file ? undefined : { file: kept, applied: [] }
      })
      await told('prune the key file', pruned.catch(keepEntries))
      return 0
    },

    async ping() {
      const startedAt = performance.now()
      const error = await versions.current().then(
        () => undefined,
        (reason: unknown) => toStoreError(reason, 'look at the key file', path).message,
      )
      const responseTimeMs = performance.now() - startedAt
      return { type: 'file', responseTimeMs, ...(error !== undefined && { error }) }
    },

    close: async () => undefined,
  }
}

/** Says what is wrong with the file before anything is served from it, and changes nothing. */
async function initialise(path: string, read: () => Promise<Version>): Promise<void> {
  const operation = 'open the key file'
  try {
    await read()
    await access(path, constants.W_OK)
    const target = await realpath(path)
    await sweepLeftovers(target)
    // Not asked but tried: a folder may let a file be changed and none be made.
    const probe = leftoverPath(target)
    await (await open(probe, 'wx', 0o600)).close()
    await rm(probe)
  } catch (error) {
    const failure = toStoreError(error, operation, path)
    if (failure.code !== 'ENOENT') throw failure
    const sentence = `DATA_FILE: there is no file ${path}; make one like {"keys":[]}`
    throw new StoreError('query', sentence, { operation, code: 'ENOENT', cause: error })
  }
}

function toRecord(known: KnownRecord | undefined, usedSince: number): KeyRecord | undefined {
  return known && { ...toKey(known.record, known.mark), usage: toUsage(known.record, usedSince) }
}

/** A file that cannot be read now is not the fault of the entries: they are to wait, and not to be set aside. */
function keepEntries(error: unknown): never {
  if (error instanceof StoreError && error.kind === 'validation') {
    throw new StoreError('connection', error.message, { operation: error.operation, cause: error })
  }
  throw error
}

function toStoreError(error: unknown, operation: string, path: string): StoreError {
  if (error instanceof StoreError) return error
  const { code = 'unknown' } = error as NodeJS.ErrnoException // safe: whatever else it is has no code
  const kind = REFUSALS.has(code) ? 'query' : 'connection'
  return new StoreError(kind, `DATA_FILE: ${sentenceOf(code, path)}`, { operation, code, cause: error })
}

function sentenceOf(code: string, path: string): string {
  if (code === 'ENOENT') return `there is no file ${path}`
  if (code === 'EBUSY') return `${path} cannot be replaced, as it is mounted itself: mount the folder that it is in`
  if (code === 'ENOSPC' || code === 'EDQUOT') return `there is no space for ${path}`
  return `${path} and its folder cannot be read and written (${code})`
}
