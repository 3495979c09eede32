import assert from 'node:assert/strict'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { test, type TestContext } from 'node:test'
import { entryOfJson } from '../../../proxy/domain/entry-row.ts'
import type { Entry } from '../../../proxy/domain/entry.ts'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { Ledger } from '../../../proxy/ledger/ledger.ts'
import { segmentPath } from '../../../proxy/ledger/segments.ts'
import { SpoolReader } from '../../../proxy/ledger/spool-reader.ts'
import { closedEntry, directoryFor, openedCall, storeThat, unexpected } from '../../support/entries.ts'
import { until } from '../../support/gateway.ts'
import { readAll, readDead, writeSpool } from '../../support/spool.ts'

const CANNOT = /spool cannot be written/
const EIO = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })

/** Lets one function of the file system fail, until it is repaired. */
function breakDisk(
  t: TestContext,
  name: 'fdatasync' | 'ftruncateSync' | 'readdirSync' | 'statSync' | 'writeSync',
  broken: (...args: never[]) => unknown,
): () => void {
  const { mock } = t.mock.method(fs, name, broken as never) // safe: what fails answers nothing
  syncBuiltinESMExports()
  const repair = (): void => {
    mock.restore()
    syncBuiltinESMExports()
  }
  t.after(repair)
  return repair
}

function fail(): never {
  throw EIO
}

const failLater = (_: number, callback: (error: Error) => void): void => void setImmediate(() => callback(EIO))

interface Bench {
  readonly ledger: Ledger
  readonly problems: readonly string[]
  readonly committed: readonly Entry[]
}

async function startLedger(t: TestContext): Promise<Bench> {
  const problems: string[] = []
  const committed: Entry[] = []
  const ledger = await Ledger.start(
    { spoolDir: directoryFor(t), boot: ulid(), fsync: 'off', maxBytes: 1e8, commitIntervalMs: 5 },
    {
      store: storeThat(async ({ rows }) => {
        committed.push(...rows.map(entryOfJson))
        return Promise.resolve([])
      }),
      onAdopted: unexpected,
      onCommit: () => undefined,
      onProblem: (what) => problems.push(what),
    },
  )
  return { ledger, problems, committed }
}

test('with SPOOL_FSYNC=always a disk that refuses is as one that cannot be written', async (t) => {
  const folder = directoryFor(t)
  const { open, close, writer, health } = writeSpool(folder, { fsync: 'always' })
  const reader = new SpoolReader(folder, { end: () => writer.end, onDamage: unexpected })
  const repair = breakDisk(t, 'fdatasync', failLater)
  const entries = [closedEntry(), closedEntry()]
  const refused = open(openedCall())
  const closed = Promise.all(entries.map(close))
  await assert.rejects(refused, CANNOT)
  assert.ok(writer.isFailing && writer.isRefusing)
  assert.deepEqual(await readAll(reader), [], 'what is not on disk yet may be taken back')
  repair()
  await closed
  assert.ok(!writer.isFailing)
  assert.deepEqual(health, [EIO, undefined])
  assert.deepEqual(await readAll(reader), entries)
  const next = openedCall()
  await open(next)
  reader.close()
  await writer.stop()
  assert.deepEqual(await readDead(folder), { entries, unfinished: [next], damages: [] })
})

test('with SPOOL_FSYNC=interval a disk that refuses is told, and tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { open, writer, health } = writeSpool(directoryFor(t), { fsync: 'interval' })
  const repair = breakDisk(t, 'fdatasync', failLater)
  await open(openedCall())
  t.mock.timers.tick(1000)
  await until('it was told', () => writer.isFailing)
  repair()
  t.mock.timers.tick(1000)
  await until('it works again', () => !writer.isFailing)
  assert.deepEqual(health, [EIO, undefined])
  await writer.stop()
})

test('what was torn and could not be taken back at once is taken back before the next write', async (t) => {
  const folder = directoryFor(t)
  const { open, writer } = writeSpool(folder)
  const write = fs.writeSync
  let writes = 0
  const repairs = [
    breakDisk(t, 'writeSync', (descriptor: number, bytes: Buffer) => {
      writes += 1
      return writes === 1 ? write(descriptor, bytes, 0, bytes.length - 5) : fail()
    }),
    breakDisk(t, 'ftruncateSync', fail),
  ]
  await assert.rejects(Promise.all([open(openedCall()), open(openedCall())]), CANNOT)
  for (const repair of repairs) repair()
  const next = openedCall()
  await until('it takes calls', () => !writer.isRefusing)
  await open(next)
  await writer.stop()
  assert.deepEqual(await readDead(folder), { entries: [], unfinished: [next], damages: [] })
})

test('what cannot be spooled by the end is handed out, and keeps nobody waiting', { timeout: 20_000 }, async (t) => {
  const { ledger, problems, committed } = await startLedger(t)
  breakDisk(t, 'writeSync', fail)
  const [late, ...entries] = [closedEntry(), closedEntry(), closedEntry()]
  assert.ok(late)
  const closed = Promise.all(entries.map((entry) => ledger.close(entry)))
  const rescued: Entry[] = []
  await ledger.stop(Date.now(), (entry) => rescued.push(entry))
  await closed
  assert.deepEqual(rescued, entries)
  await ledger.close(late)
  assert.deepEqual([rescued.at(-1), committed], [late, []])
  assert.deepEqual(problems, ['the spool cannot be written'])
})

test('a spool that refuses calls says so, and finds out by itself that it works again', async (t) => {
  const folder = directoryFor(t)
  const { open, writer } = writeSpool(folder)
  const first = openedCall()
  await open(first)
  const { ledger } = await startLedger(t)
  assert.ok(!ledger.status().isRefusing)
  const repair = breakDisk(t, 'writeSync', fail)
  await assert.rejects(open(openedCall()), CANNOT)
  await assert.rejects(ledger.open(openedCall()))
  assert.ok(writer.isRefusing && ledger.status().isRefusing)
  assert.equal(ledger.status().problem, 'the spool cannot be written')
  repair()
  await until('it works again', () => !writer.isRefusing && !ledger.status().isRefusing)
  assert.equal(fs.statSync(segmentPath(folder, 1)).size, writer.end.offset)
  await ledger.stop(Date.now(), unexpected)
  await writer.stop()
  assert.deepEqual(await readDead(folder), { entries: [], unfinished: [first], damages: [] })
})

test('a spool folder that cannot be listed is told once, and ends nothing', async (t) => {
  const { ledger, problems, committed } = await startLedger(t)
  const repair = breakDisk(t, 'readdirSync', fail)
  // More than a segment: within one nobody has to list anything.
  const entries = Array.from({ length: 6000 }, () =>
    closedEntry({ requestId: 'r'.repeat(128), endpoint: 'e'.repeat(600) }),
  )
  for (let at = 0; at < entries.length; at += 2000) {
    await Promise.all(entries.slice(at, at + 2000).map((entry) => ledger.close(entry)))
    await until('they are committed', () => committed.length >= at + 2000)
  }
  await until('it was told', () => problems.includes('the spool cannot be read'))
  assert.equal(ledger.status().problem, 'the spool cannot be read')
  repair()
  await ledger.close(closedEntry())
  await until('it is well again', () => ledger.status().problem === null)
  assert.equal(problems.filter((what) => what === 'the spool cannot be read').length, 1)
  assert.deepEqual(committed.slice(0, entries.length), entries)
  await ledger.stop(Date.now(), unexpected)
})

test('what was read before a read that failed is read again', async (t) => {
  const folder = directoryFor(t)
  const { close, writer } = writeSpool(folder)
  const entries = [closedEntry(), closedEntry()]
  await Promise.all(entries.map(close))
  await writer.stop()
  const reader = new SpoolReader(folder, { onDamage: unexpected })
  const stat = fs.statSync
  let looks = 0
  const repair = breakDisk(t, 'statSync', (path: string, options: fs.StatSyncOptions) => {
    looks += 1
    return looks === 1 ? stat(path, options) : fail()
  })
  await assert.rejects(readAll(reader), EIO)
  repair()
  assert.deepEqual(await readAll(reader), entries)
  reader.close()
})
