import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { markSecret } from '../../proxy/auth/secret.ts'
import { entryToRow } from '../../proxy/domain/entry-row.ts'
import type { Entry } from '../../proxy/domain/entry.ts'
import type { Batch, Store } from '../../proxy/domain/store.ts'
import { StoreError, type StoreErrorKind } from '../../proxy/domain/store-error.ts'
import { createFileStore, type FileStoreOptions } from '../../proxy/store/file/file-store.ts'
import { idOf, type KeyFile } from '../../proxy/store/file/key-file.ts'
import { closedEntry, directoryFor } from './entries.ts'

export const ALICE = idOf(markSecret('pk_alice'))
export const SPOOL = '01JGF000000000000000000000'

/** As system A wrote it. */
export const RECORD_OF_A = {
  key: 'pk_alice',
  name: 'alice',
  model: 'glm-4.7',
  token_limit_per_5h: 100_000,
  expiry_date: '2099-12-31T23:59:59Z',
  created_at: '2026-01-18T00:00:00Z',
  last_used: '2026-01-18T10:00:00.000Z',
  total_lifetime_tokens: 150,
  usage_windows: [{ window_start: '2026-01-18T09:58:30.500Z', tokens_used: 150 }],
}

interface OpenFile {
  readonly path: string
  readonly store: Store
  /** The file as it is. */
  readonly read: () => KeyFile
  /** Saves it as an editor does that writes into the same file. */
  readonly save: (content: unknown) => void
}

/** A key file of its own for a test, and a store on it. */
export function keyFileFor(
  t: TestContext,
  content: unknown = { keys: [RECORD_OF_A] },
  options: Partial<FileStoreOptions> = {},
): OpenFile {
  const path = join(directoryFor(t), 'apikeys.json')
  const save = (value: unknown): void =>
    writeFileSync(
      path,
      typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value, null, 2),
    )
  save(content)
  return {
    path,
    store: createFileStore(path, { markSecret, ...options }),
    read: () => JSON.parse(readFileSync(path, 'utf8')) as KeyFile, // safe: the store has just written it
    save,
  }
}

/** A batch that ends at `offset` of the spool. */
export function batchAt(offset: number, entries: readonly Partial<Entry>[], spool = SPOOL): Batch {
  const rows = entries.map((entry) => JSON.stringify(entryToRow(closedEntry({ keyId: ALICE, ...entry }))))
  return { rows, mark: { spool, segment: 0, offset } }
}

/** For `assert.rejects`. */
export const isOfKind = (kind: StoreErrorKind, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StoreError)
  assert.equal(error.kind, kind)
  assert.match(error.message, message)
  return true
}
