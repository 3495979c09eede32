import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { entryOfJson } from '../../../proxy/domain/entry-row.ts'
import { closedLine, openedLine } from '../../../proxy/ledger/record.ts'
import { segmentPath, segmentsOf } from '../../../proxy/ledger/segments.ts'
import { SpoolReader } from '../../../proxy/ledger/spool-reader.ts'
import { closedEntry, directoryFor, openedCall, unexpected } from '../../support/entries.ts'
import { readAll, readBatches, readDead, writeSpool } from '../../support/spool.ts'

/** Longer than one read of the reader, so that a batch is put together from several. */
const MANY = 3000

test('the lines of one turn are one write, closed ones first', async (t) => {
  const folder = directoryFor(t)
  const { open, close, writer } = writeSpool(folder)
  const [one, two] = [openedCall(), openedCall()]
  const [three, four] = [closedEntry(), closedEntry()]
  const opened = [open(one), open(two)]
  const closed = [close(three), close(four)]
  // Who shares a promise shares a write.
  assert.equal(opened[0], opened[1])
  assert.equal(closed[0], closed[1])
  assert.equal(statSync(segmentPath(folder, 1)).size, 0)
  await closed[0]
  const lines = [closedLine(three), closedLine(four), openedLine(one), openedLine(two)]
  assert.equal(readFileSync(segmentPath(folder, 1), 'utf8'), lines.join(''))
  await writer.stop()
})

for (const fsync of ['off', 'interval', 'always'] as const) {
  test(`a line stands in the file when its promise resolves (SPOOL_FSYNC=${fsync})`, async (t) => {
    const folder = directoryFor(t)
    const { open, close, writer } = writeSpool(folder, { fsync })
    const opened = openedCall()
    await open(opened)
    assert.equal(readFileSync(segmentPath(folder, 1), 'utf8'), openedLine(opened))
    await close(closedEntry({ id: opened.id }))
    const last = close(closedEntry())
    await writer.stop()
    await last
    assert.equal((await readDead(folder)).entries.length, 2)
  })
}

test('entries are read in the order in which they were closed', async (t) => {
  const folder = directoryFor(t)
  const { close, writer } = writeSpool(folder)
  const reader = new SpoolReader(folder, { end: () => writer.end, onDamage: unexpected })
  assert.deepEqual(await readAll(reader), [])
  const entries = Array.from({ length: MANY }, (_, place) => closedEntry({ durationMs: place }))
  await Promise.all(entries.slice(0, 10).map(close))
  assert.deepEqual(await readAll(reader), entries.slice(0, 10))
  await Promise.all(entries.slice(10).map(close))
  const batches = await readBatches(reader)
  assert.deepEqual(
    batches.flatMap(({ rows }) => rows.map(entryOfJson)),
    entries.slice(10),
  )
  // Full batches, whatever the size of a read: a database that was away is not to be caught up with in crumbs.
  assert.deepEqual(
    batches.slice(0, -1).map(({ rows }) => rows.length),
    batches.slice(0, -1).map(() => 500),
  )
  assert.equal(reader.backlogBytes(), writer.end.offset)
  for (const { position } of batches) reader.advance(position)
  assert.equal(reader.backlogBytes(), 0)
  reader.close()
  await writer.stop()
})

test('of a dead process every entry is found, however long its spool is', async (t) => {
  const folder = directoryFor(t)
  const { open, close, writer } = writeSpool(folder)
  const calls = Array.from({ length: MANY }, () => openedCall())
  await Promise.all(calls.map(open))
  const entries = calls.slice(5).map(({ id }) => closedEntry({ id }))
  for (const entry of entries.slice(0, 5)) await close(entry)
  await Promise.all(entries.slice(5).map(close))
  await writer.stop()
  const found = await readDead(folder)
  assert.deepEqual(found, { entries, unfinished: calls.slice(0, 5), damages: [] })
})

test('a new segment begins with the calls in flight, so that drained ones can go', async (t) => {
  const folder = directoryFor(t)
  const { open, close, writer } = writeSpool(folder, { segmentBytes: 2000 })
  const reader = new SpoolReader(folder, { end: () => writer.end, onDamage: unexpected })
  const long = [openedCall(), openedCall()]
  await Promise.all(long.map(open))
  for (let call = 0; call < 40; call++) {
    const opened = openedCall()
    await open(opened)
    await close(closedEntry({ id: opened.id }))
  }
  assert.ok(segmentsOf(folder).length > 5)
  for (const { rows, position } of await readBatches(reader, 7)) {
    assert.ok(rows.length <= 7)
    reader.advance(position)
  }
  assert.deepEqual(segmentsOf(folder), [writer.end.segment])
  reader.close()
  await writer.stop()
  const found = await readDead(folder)
  assert.deepEqual(found, { entries: [], unfinished: long, damages: [] })
})

test('a call that ends while its segment is left is neither lost nor interrupted', async (t) => {
  const folder = directoryFor(t)
  const { open, close, writer } = writeSpool(folder, { segmentBytes: 1 })
  const calls = [openedCall(), openedCall(), openedCall()]
  const entries = calls.map(({ id }) => closedEntry({ id }))
  for (const call of calls) await open(call)
  for (const entry of entries) await close(entry)
  assert.equal(writer.end.segment, 6)
  await writer.stop()
  assert.deepEqual(await readDead(folder), { entries, unfinished: [], damages: [] })
})
