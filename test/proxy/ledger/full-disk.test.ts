import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { Ledger } from '../../../proxy/ledger/ledger.ts'
import { segmentPath, segmentsOf } from '../../../proxy/ledger/segments.ts'
import { SpoolReader } from '../../../proxy/ledger/spool-reader.ts'
import { closedEntry, openedCall, storeThat, unexpected } from '../../support/entries.ts'
import { until } from '../../support/gateway.ts'
import { readAll, readDead, writeSpool } from '../../support/spool.ts'
import { mountTinyDisk } from '../../support/tiny-disk.ts'

const CANNOT = /spool cannot be written/
/** More than the page of 4 KB that has been begun can take. */
const TOO_MANY = 40

function state(promise: Promise<unknown>): Promise<'settled' | 'waiting'> {
  const settled = promise.then(
    () => 'settled' as const,
    () => 'settled' as const,
  )
  return Promise.race([settled, new Promise<'waiting'>((resolve) => setImmediate(() => resolve('waiting')))])
}

test('on a full disk new calls are refused, and leave nothing behind that looks like an interrupted call', async (t) => {
  const disk = mountTinyDisk(t)
  if (!disk) return
  const { open, close, writer, health } = writeSpool(disk.path)
  const first = openedCall()
  await open(first)
  disk.fill()
  await assert.rejects(Promise.all(Array.from({ length: TOO_MANY }, () => open(openedCall()))), CANNOT)
  assert.ok(writer.isFailing)
  assert.equal(writer.end.offset, statSync(segmentPath(disk.path, 1)).size)
  assert.deepEqual((await readDead(disk.path)).unfinished, [first])

  disk.makeRoom()
  const second = openedCall()
  await open(second)
  assert.ok(!writer.isFailing)
  assert.deepEqual([health.length, health[1]], [2, undefined])
  const entries = [closedEntry({ id: first.id })]
  await Promise.all(entries.map(close))
  await writer.stop()
  assert.deepEqual(await readDead(disk.path), { entries, unfinished: [second], damages: [] })
})

test('on a full disk the end of a call waits for room, and is whole when it gets it', async (t) => {
  const disk = mountTinyDisk(t)
  if (!disk) return
  const { open, close, writer } = writeSpool(disk.path)
  const reader = new SpoolReader(disk.path, { end: () => writer.end, onDamage: unexpected })
  const calls = Array.from({ length: 5 }, () => openedCall())
  await Promise.all(calls.map(open))
  disk.fill()
  const entries = Array.from({ length: TOO_MANY }, (_, place) => closedEntry(place < 5 ? { id: calls[place]!.id } : {})) // safe: 5 calls
  const refused = open(openedCall())
  const closed = Promise.all(entries.map(close))
  await assert.rejects(refused, CANNOT) // though closed lines are waiting before it
  await assert.rejects(open(openedCall()), CANNOT)
  assert.equal(await state(closed), 'waiting')
  const early = await readAll(reader) // what stands is read, and what is torn is left for later
  assert.ok(early.length > 0 && early.length < TOO_MANY)

  const late = closedEntry()
  const lateClosed = close(late)
  disk.makeRoom()
  await Promise.all([closed, lateClosed])
  assert.deepEqual([...early, ...(await readAll(reader))], [...entries, late])
  const next = openedCall()
  await open(next)
  reader.close()
  await writer.stop()
  assert.deepEqual(await readDead(disk.path), { entries: [...entries, late], unfinished: [next], damages: [] })
})

test('on a full disk calls can end without another one that begins', async (t) => {
  const disk = mountTinyDisk(t)
  if (!disk) return
  const { close, writer } = writeSpool(disk.path)
  disk.fill()
  const entries = Array.from({ length: TOO_MANY }, () => closedEntry())
  const closed = Promise.all(entries.map(close))
  await until('the first attempt', () => writer.isFailing)
  assert.equal(await state(closed), 'waiting')
  disk.makeRoom()
  await closed
  await writer.stop()
  assert.deepEqual(await readDead(disk.path), { entries, unfinished: [], damages: [] })
})

test('when there is no room for a new segment, the old one grows on', async (t) => {
  const disk = mountTinyDisk(t)
  if (!disk) return
  const { open, close, writer } = writeSpool(disk.path, { segmentBytes: 300 })
  const calls = [openedCall(), openedCall()]
  await Promise.all(calls.map(open))
  disk.fill()
  const during = openedCall()
  await open(during) // fits into the page that was begun
  assert.deepEqual(segmentsOf(disk.path), [1])
  await assert.rejects(Promise.all(Array.from({ length: TOO_MANY }, () => open(openedCall()))), CANNOT)

  disk.makeRoom()
  const entry = closedEntry({ id: calls[0]!.id }) // safe: there are two
  await close(entry)
  assert.equal(writer.end.segment, 2)
  await writer.stop()
  const unfinished = [...calls.slice(1), during]
  const found = await readDead(disk.path)
  assert.deepEqual([found.entries, found.damages], [[entry], []])
  assert.deepEqual(new Set(found.unfinished), new Set(unfinished))
})

test('a spool takes no more than half of its volume', async (t) => {
  const disk = mountTinyDisk(t)
  if (!disk) return
  const ledger = await Ledger.start(
    { spoolDir: disk.path, boot: ulid(), fsync: 'off', maxBytes: 1e9, commitIntervalMs: 10 },
    { store: storeThat(unexpected), onAdopted: unexpected, onCommit: unexpected, onProblem: unexpected },
  )
  let bytes = 0
  await assert.rejects(
    async () => {
      for (;;) {
        await ledger.open(openedCall())
        bytes = ledger.status().spooledBytes
      }
    },
    (error) => error instanceof GatewayError && error.code === 'spool_unavailable',
  )
  assert.ok(bytes > 32 * 1024 && bytes < 33 * 1024)
  await ledger.stop(Date.now(), unexpected)
})

test('a ledger on a full disk refuses calls with spool_unavailable for as long as it is full', async (t) => {
  const disk = mountTinyDisk(t)
  if (!disk) return
  const problems: string[] = []
  const ledger = await Ledger.start(
    { spoolDir: disk.path, boot: ulid(), fsync: 'off', maxBytes: 30_000, commitIntervalMs: 10 },
    {
      store: storeThat(() => Promise.resolve([])),
      onAdopted: unexpected,
      onCommit: () => undefined,
      onProblem: (what) => problems.push(what),
    },
  )
  const calls = Array.from({ length: TOO_MANY }, () => openedCall())
  disk.fill()
  // Far more lines than the spool may ever hold: what is refused must not count.
  for (let round = 0; round < 10; round++) {
    for (const outcome of await Promise.allSettled(calls.map((call) => ledger.open(call)))) {
      assert.equal(outcome.status, 'rejected')
      assert.ok(outcome.reason instanceof GatewayError && outcome.reason.code === 'spool_unavailable')
    }
  }
  assert.equal(ledger.status().problem, 'the spool cannot be written')
  const closed = ledger.close(closedEntry())
  disk.makeRoom()
  await closed
  await Promise.all(calls.map((call) => ledger.open(call)))
  await until('the ledger is well again', () => ledger.status().problem === null)
  assert.deepEqual(problems, ['the spool cannot be written', 'the spool works again'])
  await ledger.stop(Date.now(), unexpected)
})
