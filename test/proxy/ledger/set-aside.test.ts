import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import { StoreError } from '../../../proxy/domain/store-error.ts'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { Ledger } from '../../../proxy/ledger/ledger.ts'
import { readEntry } from '../../../proxy/ledger/replay.ts'
import { settingAside } from '../../../proxy/ledger/set-aside.ts'
import { createDatabaseStore } from '../../../proxy/store/database-store.ts'
import { NO_RETRY } from '../../../proxy/store/retry.ts'
import { testEngines } from '../../support/database.ts'
import { closedEntry, directoryFor, unexpected } from '../../support/entries.ts'
import { until } from '../../support/gateway.ts'
import { ALICE, keyFileFor, SPOOL } from '../../support/key-file.ts'

testEngines(
  'an entry that the database never takes is set aside, and holds nobody up',
  async (t, { database, query }) => {
    const spoolDir = directoryFor(t)
    const problems: string[] = []
    const ledger = await Ledger.start(
      { spoolDir, boot: ulid(), fsync: 'off', maxBytes: 1e6, commitIntervalMs: 5 },
      {
        store: createDatabaseStore({ database, retry: NO_RETRY, initialise: async () => undefined }),
        onAdopted: unexpected,
        onCommit: () => undefined,
        onProblem: (what) => problems.push(what),
      },
    )
    const entries = Array.from({ length: 20 }, () => closedEntry())
    const poison = closedEntry({ spend: Number.NaN })
    await Promise.all([...entries.slice(0, 7), poison, ...entries.slice(7)].map((entry) => ledger.close(entry)))
    await until('all are done with', () => ledger.status().spooled === 0)
    const ids = (await query<{ id: string }>('SELECT id FROM request_logs ORDER BY id')).map(({ id }) => id)
    assert.deepEqual(ids, entries.map(({ id }) => id).toSorted())
    const file = join(spoolDir, 'rejected.jsonl')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { ...poison, spend: null }) // as JSON has it
    assert.deepEqual(problems, ['an entry was refused by the database and set aside in rejected.jsonl'])
    await ledger.stop(Date.now(), unexpected)
  },
)

test('what was set aside can be replayed', async (t) => {
  const file = join(directoryFor(t), 'rejected.jsonl')
  const entries = [closedEntry(), closedEntry()]
  const refuse = (): Promise<never> =>
    Promise.reject(new StoreError('validation', 'no', { operation: 'write entries' }))
  assert.deepEqual(await settingAside(refuse, file, () => undefined)({ rows: entries.map(rowJson) }), [])
  assert.deepEqual(readFileSync(file, 'utf8').trim().split('\n').map(readEntry), entries)
})

testEngines('a failure that is no fault of an entry sets nothing aside', async (_t, { database, query }) => {
  await query('ALTER TABLE request_logs RENAME TO away')
  const store = createDatabaseStore({ database, retry: NO_RETRY, initialise: async () => undefined })
  const write = settingAside((batch) => store.write(batch), '/nowhere', unexpected)
  await assert.rejects(write({ rows: [closedEntry(), closedEntry()].map(rowJson) }), /no such table|does not exist/)
})

test('an entry that a key file never takes is set aside, and the others of its batch count', async (t) => {
  const { store, read, path } = keyFileFor(t)
  const file = join(dirname(path), 'rejected.jsonl')
  const [good, poison, other] = [
    closedEntry({ keyId: ALICE, spend: 5 }),
    closedEntry({ keyId: ALICE, spend: Number.NaN }),
    closedEntry({ keyId: ALICE, spend: 7 }),
  ]
  const write = settingAside(
    (batch) => store.write(batch),
    file,
    () => undefined,
  )
  const mark = { spool: SPOOL, segment: 1, offset: 900 }
  const applied = await write({ rows: [good, poison, other].map(rowJson), mark })
  assert.equal(
    applied.reduce((sum, { spend }) => sum + spend, 0),
    12,
  )
  assert.equal(read().keys[0]?.total_lifetime_tokens, 162)
  assert.deepEqual(await store.markOf(SPOOL), mark)
  assert.equal((JSON.parse(readFileSync(file, 'utf8')) as { id: string }).id, poison.id)
})
