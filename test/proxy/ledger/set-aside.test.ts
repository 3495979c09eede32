import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DataError } from '../../../proxy/domain/data-error.ts'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { Ledger } from '../../../proxy/ledger/ledger.ts'
import { readEntry } from '../../../proxy/ledger/replay.ts'
import { settingAside } from '../../../proxy/ledger/set-aside.ts'
import { writeEntries } from '../../../proxy/store/entries.ts'
import { openDatabase } from '../../support/database.ts'
import { closedEntry, directoryFor, unexpected } from '../../support/entries.ts'
import { until } from '../../support/gateway.ts'

test('an entry that the database never takes is set aside, and holds nobody up', async (t) => {
  const { database, query } = await openDatabase(t)
  const spoolDir = directoryFor(t)
  const problems: string[] = []
  const ledger = await Ledger.start(
    { spoolDir, boot: ulid(), fsync: 'off', maxBytes: 1e6, commitIntervalMs: 5 },
    {
      write: (entries) => writeEntries(database, entries),
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
})

test('what was set aside can be replayed', async (t) => {
  const file = join(directoryFor(t), 'rejected.jsonl')
  const entries = [closedEntry(), closedEntry()]
  const refuse = (): Promise<never> => Promise.reject(new DataError('no'))
  assert.deepEqual(await settingAside(refuse, file, () => undefined)(entries), [])
  assert.deepEqual(readFileSync(file, 'utf8').trim().split('\n').map(readEntry), entries)
})

test('a failure that is no fault of an entry sets nothing aside', async (t) => {
  const { database } = await openDatabase(t)
  await database.sequelize.query('ALTER TABLE request_logs RENAME TO away')
  const write = settingAside((entries) => writeEntries(database, entries), '/nowhere', unexpected)
  await assert.rejects(write([closedEntry(), closedEntry()]), /no such table/)
})
