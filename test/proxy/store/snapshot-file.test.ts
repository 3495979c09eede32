import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { readSnapshot, type Snapshot, writeSnapshot } from '../../../proxy/store/snapshot-file.ts'
import { aKey } from '../../support/a-key.ts'
import { directoryFor } from '../../support/entries.ts'
import { rounds } from '../../support/rounds.ts'

const SOURCE = { database: 'abc', schema: '0002-usage-stats' }

const CONFIGURATION = {
  channels: [],
  keys: [{ id: 'k', channel_id: 'c', secret: 'v1.sealed' }],
  suspensions: [{ channelId: 'c', suspendedAt: 1, until: 2, reason: 'Жанна\n' }],
  quotaPeriods: [],
  settings: { failover: { isEnabled: true } },
  prices: [],
  quotaUse: [['channel:c:0 quota_requests', 3]],
  replicas: 2,
} as const

function snapshotOf(keys: number, freshAt = 1_800_000_000_000): Snapshot {
  return {
    freshAt,
    configuration: CONFIGURATION,
    keys: Array.from({ length: keys }, (_, place) =>
      aKey({
        name: `Жанна\n"${place}"`,
        hash: String(place).padStart(64, '0'),
        allowedEndpoints: ['files/*'],
        usage: { lifetimeTokens: place, lastUsedAt: freshAt, minutes: [{ start: freshAt, amount: place }] },
      }),
    ),
  }
}

const pathFor = (t: TestContext): string => join(directoryFor(t), 'keys.snapshot')

for (const keys of [0, 1, 100, 101, 1000]) {
  test(`a snapshot of ${keys} keys is read as it was written, by nobody else on the machine`, async (t) => {
    const path = pathFor(t)
    await writeSnapshot(path, SOURCE, snapshotOf(keys))
    assert.deepEqual(await readSnapshot(path, SOURCE), snapshotOf(keys))
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })
}

test('a program that kept the keys alone and this one read what the other has written', async (t) => {
  const path = pathFor(t)
  await writeSnapshot(path, SOURCE, snapshotOf(3))
  const [header = '', ...lines] = readFileSync(path, 'utf8').split('\n')
  assert.deepEqual(
    lines.slice(0, -2).map((line) => JSON.parse(line) as unknown), // the earlier one takes each for a key
    snapshotOf(3).keys,
  )
  const { format, database, schema, freshAt } = JSON.parse(header) as Record<string, unknown> // safe: it is an object
  assert.deepEqual({ format, database, schema, freshAt }, { format: 1, ...SOURCE, freshAt: snapshotOf(0).freshAt })

  await writeSnapshot(path, SOURCE, { ...snapshotOf(3), configuration: undefined })
  assert.deepEqual(await readSnapshot(path, SOURCE), { ...snapshotOf(3), configuration: undefined })
})

test('why a snapshot is not used is told', async (t) => {
  const path = pathFor(t)
  const told: string[] = []
  const read = (source = SOURCE) => readSnapshot(path, source, (why) => told.push(why))
  await read()
  await writeSnapshot(path, SOURCE, snapshotOf(1))
  await read()
  await read({ ...SOURCE, database: 'abd' })
  writeFileSync(path, '!', { flag: 'r+' })
  await read()
  assert.deepEqual(told, ['it is of another database, schema or version', 'it is damaged'])
})

test('a later snapshot takes the place of the one before', async (t) => {
  const path = pathFor(t)
  await writeSnapshot(path, SOURCE, snapshotOf(200))
  await writeSnapshot(path, SOURCE, snapshotOf(1, 5))
  assert.deepEqual(await readSnapshot(path, SOURCE), snapshotOf(1, 5))
  assert.deepEqual(readdirSync(join(path, '..')), ['keys.snapshot'])
})

test('a snapshot of another database or schema is none', async (t) => {
  const path = pathFor(t)
  await writeSnapshot(path, SOURCE, snapshotOf(1))
  assert.equal(await readSnapshot(path, { ...SOURCE, database: 'abd' }), undefined)
  assert.equal(await readSnapshot(path, { ...SOURCE, schema: '0003' }), undefined)
})

test('where nothing can be read there is no snapshot', async (t) => {
  const path = pathFor(t)
  assert.equal(await readSnapshot(path, SOURCE), undefined)
  for (const text of ['', '\n', '0', '0\n', '{}', 'no snapshot\n1\n', '\0'.repeat(5000)]) {
    writeFileSync(path, text)
    assert.equal(await readSnapshot(path, SOURCE), undefined, JSON.stringify(text.slice(0, 20)))
  }
  assert.equal(await readSnapshot(join(path, '..'), SOURCE), undefined)
})

test('a snapshot that was changed or cut off at any byte is none', async (t) => {
  const path = pathFor(t)
  await writeSnapshot(path, SOURCE, snapshotOf(2))
  const whole = readFileSync(path)
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ change
      writeFileSync(path, bytes)
      assert.equal(await readSnapshot(path, SOURCE), undefined)
    }),
    rounds(1000),
  )
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length))
    assert.equal(await readSnapshot(path, SOURCE), undefined, `the first ${length} bytes`)
  }
})

test('who reads while many write finds a whole snapshot', async (t) => {
  const path = pathFor(t)
  await writeSnapshot(path, SOURCE, snapshotOf(150, 0))
  const writing = Promise.all(
    [1, 2, 3, 4].map(async (writer) => {
      for (let round = 0; round < 10; round++) await writeSnapshot(path, SOURCE, snapshotOf(150 * writer, writer))
    }),
  ).then(() => 'written' as const)
  for (;;) {
    const found = await readSnapshot(path, SOURCE)
    assert.equal(found?.keys.length, 150 * Math.max(1, found?.freshAt ?? 0))
    if ((await Promise.race([writing, Promise.resolve('writing')])) === 'written') break
  }
  assert.deepEqual(readdirSync(join(path, '..')), ['keys.snapshot'])
})

test('a snapshot that cannot be put in its place leaves nothing behind', async (t) => {
  const path = pathFor(t)
  mkdirSync(path)
  await assert.rejects(writeSnapshot(path, SOURCE, snapshotOf(1)), { code: 'EISDIR' })
  assert.deepEqual(readdirSync(join(path, '..')), ['keys.snapshot'])
})
