import type { TestContext } from 'node:test'
import { rmSync } from 'node:fs'
import { markSecret } from '../../proxy/auth/secret.ts'
import { rowJson } from '../../proxy/domain/entry-row.ts'
import type { Entry } from '../../proxy/domain/entry.ts'
import type { Batch, Store } from '../../proxy/domain/store.ts'
import type { Engine } from '../../proxy/store/database.ts'
import { createDatabaseStore } from '../../proxy/store/database-store.ts'
import { createFallbackStore } from '../../proxy/store/fallback-store.ts'
import { verifySchema } from '../../proxy/store/migrate.ts'
import { NO_RETRY } from '../../proxy/store/retry.ts'
import { keyFields, openDatabase } from './database.ts'
import { closedEntry, unexpected } from './entries.ts'
import { idOf } from '../../proxy/store/file/key-file.ts'
import { keyFileFor } from './key-file.ts'

interface KnownKey {
  readonly id: string
  readonly hash: string
}

/** A store with the keys `alice` and `bob`, which have no limits and were never used. */
export interface Subject {
  readonly store: Store
  readonly alice: KnownKey
  readonly bob: KnownKey
  /** Does to bob's key what an administrator does who takes it away. */
  readonly revokeBob: () => Promise<void>
  /** Takes away what entries are written to. */
  readonly breakDown: () => Promise<void>
  /** Whether the store remembers how far it has read a spool. */
  readonly hasMarks: boolean
}

const CREATED_AT = Date.UTC(2026, 0, 18)
const secrets = { alice: markSecret('pk_alice'), bob: markSecret('pk_bob') }
const keyOf = (name: 'alice' | 'bob'): KnownKey => ({ id: idOf(secrets[name]), hash: secrets[name].hash })

/** Everything that claims to be a `Store`, by name. */
export const subjects: Readonly<Record<string, (t: TestContext) => Promise<Subject>>> = {
  PostgreSQL: (t) => databaseSubject(t, 'postgres'),
  SQLite: (t) => databaseSubject(t, 'sqlite'),
  'the fallback around PostgreSQL': (t) => fallbackSubject(t, 'postgres'),
  'the fallback around SQLite': (t) => fallbackSubject(t, 'sqlite'),
  'the key file': fileSubject,
}

async function databaseSubject(t: TestContext, engine: Engine): Promise<Subject> {
  const { keys, query, openAgain } = await openDatabase(t, engine)
  const database = await openAgain()
  for (const name of ['alice', 'bob'] as const) {
    await keys.create(keyOf(name).id, keyFields({ name }), secrets[name], CREATED_AT)
  }
  return {
    store: createDatabaseStore({ database, retry: NO_RETRY, initialise: () => verifySchema(database) }),
    alice: keyOf('alice'),
    bob: keyOf('bob'),
    revokeBob: () => keys.setStatus(keyOf('bob').id, 'revoked'),
    breakDown: async () => void (await query('ALTER TABLE request_logs RENAME TO away')),
    hasMarks: false,
  }
}

async function fallbackSubject(t: TestContext, engine: Engine): Promise<Subject> {
  const subject = await databaseSubject(t, engine)
  const store = createFallbackStore(
    subject.store,
    { isEnabled: true, retryIntervalMs: 1000, maxRetries: 0, maxStaleMs: 60_000 },
    {
      readSnapshot: () => Promise.resolve(undefined),
      onSnapshot: () => unexpected('a snapshot'),
      onAway: unexpected,
      onRetry: unexpected,
      onBack: () => unexpected('back'),
    },
  )
  store.freshen(Date.now())
  return { ...subject, store }
}

async function fileSubject(t: TestContext): Promise<Subject> {
  const created_at = new Date(CREATED_AT).toISOString()
  const recordOf = (name: string): object => ({ key: `pk_${name}`, name, created_at })
  const { store, path, read, save } = keyFileFor(t, { keys: [recordOf('alice'), recordOf('bob')] })
  return Promise.resolve({
    store,
    alice: keyOf('alice'),
    bob: keyOf('bob'),
    revokeBob: async () => {
      const file = read()
      save({ ...file, keys: file.keys.filter(({ name }) => name !== 'bob') })
      return Promise.resolve()
    },
    breakDown: async () => Promise.resolve(rmSync(path)),
    hasMarks: true,
  })
}

/** A batch that ends at `offset` of a spool. */
export function batchOf(spool: string, offset: number, entries: readonly Partial<Entry>[]): Batch {
  return { rows: entries.map((entry) => rowJson(closedEntry(entry))), mark: { spool, segment: 1, offset } }
}
