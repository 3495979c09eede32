import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { entryOfJson } from '../../../proxy/domain/entry-row.ts'
import type { Entry } from '../../../proxy/domain/entry.ts'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import type { Applied } from '../../../proxy/domain/store.ts'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { Ledger, type LedgerSettings } from '../../../proxy/ledger/ledger.ts'
import { appliedOf, closedEntry, directoryFor, openedCall, storeThat, unexpected } from '../../support/entries.ts'
import { until } from '../../support/gateway.ts'
import { writeSpool } from '../../support/spool.ts'

interface Bench {
  readonly ledger: Ledger
  readonly spoolDir: string
  readonly boot: string
  /** The batches that the database took, in order. */
  readonly batches: readonly (readonly Entry[])[]
  readonly adopted: readonly Applied[]
  readonly problems: readonly string[]
  /** Every write fails from now on, or works again. */
  fail(isAway: boolean): void
  attempts(): number
}

/** A ledger whose database is a list that can be away. */
async function startLedger(t: TestContext, settings: Partial<LedgerSettings> = {}): Promise<Bench> {
  const spoolDir = settings.spoolDir ?? directoryFor(t)
  const boot = ulid()
  const batches: (readonly Entry[])[] = []
  const adopted: Applied[] = []
  const problems: string[] = []
  let isAway = false
  let attempts = 0
  const ledger = await Ledger.start(
    { boot, fsync: 'off', maxBytes: 1e6, commitIntervalMs: 5, ...settings, spoolDir },
    {
      store: storeThat(async ({ rows }) => {
        attempts += 1
        if (isAway) throw new Error('the database is away')
        const entries = rows.map(entryOfJson)
        batches.push(entries)
        return Promise.resolve(appliedOf(entries))
      }),
      onAdopted: (applied) => adopted.push(...applied),
      onCommit: () => undefined,
      onProblem: (what) => problems.push(what),
    },
  )
  return {
    ledger,
    spoolDir,
    boot,
    batches,
    adopted,
    problems,
    fail: (next) => (isAway = next),
    attempts: () => attempts,
  }
}

/** The folder of a process that died. */
async function leaveBehind(spoolDir: string, entries: readonly Entry[], calls = [openedCall()]): Promise<string> {
  const folder = join(spoolDir, ulid())
  mkdirSync(folder)
  const { open, close, writer } = writeSpool(folder)
  const written = [...calls.map(open), ...entries.map(close)]
  await writer.stop()
  await Promise.all(written)
  return folder
}

async function callMany({ ledger }: Bench, count: number): Promise<Entry[]> {
  const entries = Array.from({ length: count }, () => closedEntry())
  await Promise.all(entries.map(({ id }) => ledger.open(openedCall({ id }))))
  await Promise.all(entries.map((entry) => ledger.close(entry)))
  return entries
}

const GONE = 0
/** So that an outage does not end in one huge transaction. */
const MAX_BATCH = 2000

test('calls that end about the same time are committed together', async (t) => {
  const bench = await startLedger(t)
  const entries = await callMany(bench, 100)
  await until('the commit', () => bench.ledger.status().spooled === 0)
  assert.deepEqual(bench.batches, [entries])
  await bench.ledger.stop(GONE, unexpected)
})

test('a database that is away only lengthens the spool', async (t) => {
  const bench = await startLedger(t, { maxBytes: 2e6 })
  bench.fail(true)
  const early = await callMany(bench, 1700)
  await until('a few attempts', () => bench.attempts() > 2)
  const late = await callMany(bench, 1700)
  const { problem, spooled, spooledBytes } = bench.ledger.status()
  assert.deepEqual([problem, spooled], ['entries cannot be committed and wait in the spool', 3400])
  assert.ok(spooledBytes > 100_000)
  bench.fail(false)
  await until('the spool is empty', () => bench.ledger.status().spooled === 0)
  assert.deepEqual(bench.batches.flat(), [...early, ...late])
  assert.ok(bench.batches.every((batch) => batch.length <= MAX_BATCH))
  await until('it is well again', () => bench.ledger.status().problem === null)
  assert.equal(bench.ledger.status().spooledBytes, 0)
  assert.equal(new Set(bench.problems).size, 1)
  await bench.ledger.stop(GONE, unexpected)
})

test('a database that is away is asked more and more rarely, however many calls end meanwhile', async (t) => {
  t.mock.method(Math, 'random', () => 1) // the longest pauses that chance allows
  const attemptedAt: number[] = []
  const ledger = await Ledger.start(
    { spoolDir: directoryFor(t), boot: ulid(), fsync: 'off', maxBytes: 1e6, commitIntervalMs: 10 },
    {
      store: storeThat(async () => {
        attemptedAt.push(performance.now())
        await new Promise((resolve) => setImmediate(resolve))
        // A call that ends while the attempt is under way.
        if (attemptedAt.length < 6) void ledger.close(closedEntry())
        throw new Error('the database is away')
      }),
      onAdopted: unexpected,
      onCommit: unexpected,
      onProblem: () => undefined,
    },
  )
  await ledger.close(closedEntry())
  await until('a few attempts', () => attemptedAt.length >= 6)
  // After five failures the pause is 320 ms, and less by what its beginning was late.
  const lastPauseMs = (attemptedAt[5] ?? 0) - (attemptedAt[4] ?? 0)
  await ledger.stop(GONE, () => undefined)
  assert.ok(lastPauseMs > 200, `${lastPauseMs} ms`)
})

test('a full spool refuses calls, and takes them again when the database is back', async (t) => {
  const bench = await startLedger(t, { maxBytes: 20_000 })
  bench.fail(true)
  await callMany(bench, 100)
  await assert.rejects(bench.ledger.open(openedCall()), (error) => {
    assert.ok(error instanceof GatewayError)
    assert.deepEqual([error.code, error.status], ['spool_unavailable', 503])
    return true
  })
  await bench.ledger.close(closedEntry()) // what has happened is still written down
  bench.fail(false)
  await until('the spool is empty', () => bench.ledger.status().spooled === 0)
  await until('it takes calls', () =>
    bench.ledger.open(openedCall()).then(
      () => true,
      () => false,
    ),
  )
  await bench.ledger.stop(GONE, unexpected)
})

test('a stop commits what is spooled, and leaves nothing behind', async (t) => {
  const bench = await startLedger(t, { commitIntervalMs: 60_000 })
  const entries = await callMany(bench, 20)
  await bench.ledger.stop(GONE, unexpected)
  assert.deepEqual(bench.batches, [entries])
  assert.deepEqual(readdirSync(bench.spoolDir), [])
})

test('a stop tries until its deadline', async (t) => {
  const bench = await startLedger(t)
  bench.fail(true)
  const entries = await callMany(bench, 20)
  const before = bench.attempts()
  const stopped = bench.ledger.stop(Date.now() + 60_000, unexpected)
  await until('another attempt', () => bench.attempts() > before + 1)
  bench.fail(false)
  await stopped
  assert.deepEqual(bench.batches, [entries])
})

test('what cannot be committed at the end is handed out, what had been adopted too, and stays in the spool', async (t) => {
  const spoolDir = directoryFor(t)
  const dead = [closedEntry(), closedEntry()]
  const inFlight = openedCall()
  await leaveBehind(spoolDir, dead, [inFlight])
  const bench = await startLedger(t, { spoolDir })
  bench.fail(true)
  await bench.ledger.recover()
  const entries = await callMany(bench, 600)
  const rescued: Entry[] = []
  await bench.ledger.stop(GONE, (entry) => rescued.push(entry))
  assert.deepEqual(rescued.slice(0, -1), [...entries, ...dead])
  assert.deepEqual([rescued.at(-1)?.id, rescued.at(-1)?.status], [inFlight.id, 'interrupted'])
  assert.equal(readdirSync(spoolDir).length, 2)
})

test('what a dead process left is taken over before anything else, calls in flight as interrupted ones', async (t) => {
  const spoolDir = directoryFor(t)
  const dead = Array.from({ length: 1200 }, () => closedEntry())
  const inFlight = openedCall({ keyId: 'key-2', estimate: { inputTokens: 11, outputTokens: 30 } })
  const folder = await leaveBehind(spoolDir, dead, [inFlight])
  const bench = await startLedger(t, { spoolDir })
  await bench.ledger.recover()
  assert.deepEqual(bench.batches.slice(0, -1).flat(), dead)
  const [interrupted] = bench.batches.at(-1) ?? []
  assert.deepEqual(
    [interrupted?.id, interrupted?.status, interrupted?.metering, interrupted?.spend],
    [inFlight.id, 'interrupted', 'estimated', 41],
  )
  assert.equal(
    bench.adopted.reduce((sum, { entries }) => sum + entries, 0),
    1201,
  )
  assert.ok(!existsSync(folder))
  assert.deepEqual(readdirSync(spoolDir), [bench.boot])
  assert.equal(bench.ledger.status().spooled, 0)
  await bench.ledger.stop(GONE, unexpected)
})

test('what a dead process left waits when the database is away, and counts once when it is back', async (t) => {
  const spoolDir = directoryFor(t)
  const dead = [closedEntry()]
  await leaveBehind(spoolDir, dead, [])
  const bench = await startLedger(t, { spoolDir })
  bench.fail(true)
  await bench.ledger.recover()
  assert.equal(bench.ledger.status().problem, 'entries cannot be committed and wait in the spool')
  assert.ok(bench.ledger.status().spooledBytes > 0)
  bench.fail(false)
  await until('it is taken over', () => bench.ledger.status().problem === null)
  assert.deepEqual(bench.batches, [dead])
  assert.deepEqual(bench.adopted, appliedOf(dead))
  await bench.ledger.stop(GONE, unexpected)
})

for (const isBack of [true, false]) {
  test(`what came behind a batch that failed is not forgotten by a stop (the database is ${isBack ? 'back' : 'away'})`, async (t) => {
    const bench = await startLedger(t)
    bench.fail(true)
    const early = await callMany(bench, 2)
    await until('an attempt', () => bench.attempts() > 0)
    const late = await callMany(bench, 3)
    bench.fail(!isBack)
    const rescued: Entry[] = []
    await bench.ledger.stop(GONE, (entry) => rescued.push(entry))
    assert.deepEqual(isBack ? bench.batches.flat() : rescued, [...early, ...late])
  })
}
