import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { entryOfJson } from '../../../proxy/domain/entry-row.ts'
import type { Entry, Opened } from '../../../proxy/domain/entry.ts'
import { segmentPath, segmentsOf } from '../../../proxy/ledger/segments.ts'
import { SpoolReader } from '../../../proxy/ledger/spool-reader.ts'
import { anyEntry } from '../../support/any-entry.ts'
import { closedEntry, directoryFor, openedCall, unexpected } from '../../support/entries.ts'
import { rounds } from '../../support/rounds.ts'
import { readAll, readDead, writeSpool } from '../../support/spool.ts'

/** A folder as a killed process leaves it: three calls closed, one in flight. */
async function deadFolder(folder: string): Promise<{ entries: Entry[]; inFlight: Opened }> {
  const { open, close, writer } = writeSpool(folder)
  const inFlight = openedCall()
  await open(inFlight)
  const entries: Entry[] = []
  for (let call = 0; call < 3; call++) {
    const { id } = openedCall()
    await open(openedCall({ id }))
    await close((entries[call] = closedEntry({ id })))
  }
  await writer.stop()
  return { entries, inFlight }
}

test('what is in the database is not read again, but the calls before it are remembered', async (t) => {
  const folder = directoryFor(t)
  const { entries, inFlight } = await deadFolder(folder)
  const first = new SpoolReader(folder, { onDamage: unexpected })
  first.advance((await first.next(2)).position)
  first.close()
  assert.deepEqual(await readDead(folder), { entries: entries.slice(2), unfinished: [inFlight], damages: [] })
})

for (const [what, damage] of [
  ['is damaged', (path: string) => writeFileSync(path, '00000001 00000000\0\0\0\0\0\0\0\0\n')],
  ['is empty', (path: string) => truncateSync(path)],
  ['is gone', (path: string) => rmSync(path)],
] as const) {
  test(`when the saved position ${what}, everything is read again`, async (t) => {
    const folder = directoryFor(t)
    const { entries, inFlight } = await deadFolder(folder)
    const first = new SpoolReader(folder, { onDamage: unexpected })
    first.advance((await first.next(2)).position)
    first.close()
    damage(join(folder, 'position'))
    assert.deepEqual(await readDead(folder), { entries, unfinished: [inFlight], damages: [] })
  })
}

test('a record that the end of its process tore does not count, wherever it was torn', async (t) => {
  const folder = directoryFor(t)
  const { entries, inFlight } = await deadFolder(folder)
  const path = segmentPath(folder, 1)
  const whole = readFileSync(path)
  const lastLineAt = whole.lastIndexOf('\n', whole.length - 2) + 1
  for (let length = whole.length - 1; length >= lastLineAt; length--) {
    truncateSync(path, length)
    const found = await readDead(folder)
    assert.deepEqual(found.entries, entries.slice(0, 2))
    assert.deepEqual(
      found.unfinished.map(({ id }) => id),
      [inFlight.id, entries[2]?.id],
    )
  }
})

test('a segment that was torn does not hide the ones after it', async (t) => {
  const folder = directoryFor(t)
  const { close, writer } = writeSpool(folder, { segmentBytes: 1 })
  const entries = [closedEntry(), closedEntry(), closedEntry()]
  for (const entry of entries) await close(entry)
  await writer.stop()
  truncateSync(segmentPath(folder, 2), 50)
  assert.deepEqual((await readDead(folder)).entries, [entries[0], entries[2]])
})

test('a flipped byte costs its own record and no other, and is reported', async (t) => {
  const folder = directoryFor(t)
  const { entries, inFlight } = await deadFolder(folder)
  const path = segmentPath(folder, 1)
  const bytes = readFileSync(path)
  const at = bytes.lastIndexOf(`"${entries[1]?.id}`) // in the closed record
  bytes[at + 40] = (bytes[at + 40] ?? 0) ^ 1
  writeFileSync(path, bytes)
  const found = await readDead(folder)
  assert.deepEqual(found.entries, [entries[0], entries[2]])
  assert.deepEqual(
    found.unfinished.map(({ id }) => id),
    [inFlight.id, entries[1]?.id],
  )
  assert.deepEqual(found.damages, [{ folder, segment: 1, offset: bytes.lastIndexOf('\n', at) + 1 }])
})

test('damage that is longer than a read is passed over', async (t) => {
  const folder = directoryFor(t)
  const { entries, inFlight } = await deadFolder(folder)
  appendFileSync(segmentPath(folder, 1), `${'\0'.repeat(700_000)}\n`)
  const { close, writer } = writeSpool(folder)
  const after = closedEntry()
  await close(after)
  await writer.stop()
  const found = await readDead(folder)
  assert.deepEqual(found.entries, [...entries, after])
  assert.deepEqual(found.unfinished, [inFlight])
  assert.ok(found.damages.length > 0)
})

test('a record that is still being written is waited for', async (t) => {
  const folder = directoryFor(t)
  const { entries } = await deadFolder(folder)
  const path = segmentPath(folder, 1)
  const { length } = readFileSync(path)
  let end = length - 5
  const reader = new SpoolReader(folder, { end: () => ({ segment: 1, offset: end }), onDamage: unexpected })
  assert.deepEqual(await readAll(reader), entries.slice(0, 2))
  assert.deepEqual(await readAll(reader), [])
  end = length
  assert.deepEqual(await readAll(reader), entries.slice(2))
  reader.close()
})

/** Opens a call, or closes the oldest or the youngest that is open, or reads, or lets the event loop turn. */
const step = fc.constantFrom('open', 'open', 'close oldest', 'close youngest', 'read', 'turn')

test('whatever is opened, closed and read in whatever order is found again by who comes after', async (t) => {
  const folderOf = () => directoryFor(t)
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.infiniteStream(anyEntry),
      fc.integer({ min: 1, max: 3000 }),
      fc.integer({ min: 1, max: 20 }),
      async (steps, samples, segmentBytes, max) => {
        const folder = folderOf()
        const { open, close, writer } = writeSpool(folder, { segmentBytes })
        const reader = new SpoolReader(folder, { end: () => writer.end, onDamage: unexpected })
        const inFlight: Opened[] = []
        const closed: Entry[] = []
        const applied: Entry[] = []
        for (const doing of steps) {
          if (doing === 'open') {
            inFlight.push(openedCall())
            const written = open(inFlight.at(-1)!) // safe: just pushed
            if (steps.length % 2 === 0) await written
          } else if (doing === 'turn') await new Promise((resolve) => setImmediate(resolve))
          else if (doing === 'read') {
            const { rows, position, isAtEnd } = await reader.next(max)
            applied.push(...rows.map(entryOfJson))
            if (rows.length > 0 || !isAtEnd) reader.advance(position)
          } else {
            await new Promise((resolve) => setImmediate(resolve)) // a call is closed only after it was opened
            const call = doing === 'close oldest' ? inFlight.shift() : inFlight.pop()
            if (call === undefined) continue
            closed.push({ ...samples.next().value, id: call.id })
            void close(closed.at(-1)!) // safe: just pushed
          }
        }
        await writer.stop()
        reader.close()
        const found = await readDead(folder, max)
        assert.deepEqual([...applied, ...found.entries], closed)
        assert.deepEqual(found.unfinished.map(({ id }) => id).toSorted(), inFlight.map(({ id }) => id).toSorted())
        assert.deepEqual(found.damages, [])
        assert.ok(segmentsOf(folder).length > 0)
      },
    ),
    rounds(100),
  )
})
