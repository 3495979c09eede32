import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Entry } from '../../proxy/domain/entry.ts'
import { createLogWatch } from '../../proxy/log-watch.ts'
import { createLogStore } from '../../proxy/store/logs.ts'
import { write } from '../support/counters.ts'
import { openDatabase, type TestDatabase, testEngines } from '../support/database.ts'
import { until } from '../support/gateway.ts'
import { entryAt } from '../support/log-entries.ts'

const NOON = Date.UTC(2030, 0, 1, 12)

function watchOf(t: TestContext, { database }: Pick<TestDatabase, 'database'>, start = NOON) {
  let now = start
  let looks = 0
  const errors: unknown[] = []
  const logs = createLogStore(database)
  const watch = createLogWatch({
    endedSince: (instant) => {
      looks++
      return logs.endedSince(instant)
    },
    now: () => now,
    pollIntervalMs: 1,
    onError: (error) => errors.push(error),
  })
  t.after(() => watch.stop())
  return {
    ...watch,
    errors,
    looks: () => looks,
    /** Resolves when what was written before has been looked for. */
    async nextLook() {
      const at = looks
      await until('two more looks', () => looks > at + 1)
    },
    wait: (ms: number) => (now += ms),
  }
}

function listener() {
  const told: string[] = []
  const heard = { told, ends: 0, beats: 0 }
  return Object.assign(heard, {
    tell(entries: readonly Entry[]) {
      if (entries.length === 0) heard.beats++
      told.push(...entries.map(({ requestId }) => requestId))
    },
    end() {
      heard.ends++
    },
  })
}

testEngines('who watches is told of every call once, as it ends, whoever served it', async (t, store) => {
  const watch = watchOf(t, store)
  await write(store, [entryAt(NOON - 100, { durationMs: 50, requestId: 'over before' })])
  const [one, other] = [listener(), listener()]
  const leave = watch.join(one)
  watch.join(other)
  watch.wait(2000)
  await write(store, [entryAt(NOON, { durationMs: 1000, requestId: 'short' })])
  await until('the short one', () => other.told.length === 1)
  // Of another replica: it began long before, and is written a moment late.
  await write(store, [entryAt(NOON - 600_000, { durationMs: 600_500, requestId: 'long' })])
  await until('the long one', () => other.told.length === 2)
  await watch.nextLook()
  assert.deepEqual(one.told, ['short', 'long'])
  assert.deepEqual(other.told, ['short', 'long'])

  leave?.()
  watch.wait(60_000)
  await write(store, [entryAt(NOON + 62_000, { durationMs: 0, requestId: 'later' })])
  await until('the later one', () => other.told.length === 3)
  assert.deepEqual([one.told.length, other.ends], [2, 0])
})

test('nobody looks when nobody watches, and who comes again hears only what is new', async (t) => {
  const store = await openDatabase(t)
  const watch = watchOf(t, store)
  const first = listener()
  const leave = watch.join(first)
  await watch.nextLook()
  leave?.()
  const second = listener()
  const leaveAgain = watch.join(second) // while the last look of the first may still be under way
  await watch.nextLook()
  leaveAgain?.()
  const looks = watch.looks()
  await write(store, [entryAt(NOON + 10, { durationMs: 0, requestId: 'unseen' })])
  assert.equal(watch.looks(), looks)
  watch.wait(1000)
  const third = listener()
  watch.join(third)
  await watch.nextLook()
  assert.deepEqual([first.told, second.told, third.told], [[], [], []])
})

test('when nothing happens the listeners hear so now and then', async (t) => {
  const watch = watchOf(t, await openDatabase(t))
  const one = listener()
  watch.join(one)
  await until('two beats', () => one.beats >= 2)
  assert.ok(watch.looks() >= 30)
})

test('no more than a hundred watch, and a place is free when one leaves', async (t) => {
  const watch = watchOf(t, await openDatabase(t))
  const leave = Array.from({ length: 100 }, () => watch.join(listener()))
  assert.equal(watch.join(listener()), undefined)
  leave[0]?.()
  assert.notEqual(watch.join(listener()), undefined)
})

test('an outage is told once, and the watch goes on after it', async (t) => {
  const store = await openDatabase(t)
  const watch = watchOf(t, store)
  const one = listener()
  await store.query('ALTER TABLE request_logs RENAME TO away')
  watch.join(one)
  await until('it failed more than once', () => watch.looks() > 3)
  await store.query('ALTER TABLE away RENAME TO request_logs')
  await write(store, [entryAt(NOON, { durationMs: 5, requestId: 'after' })])
  await until('it is told', () => one.told.length === 1)
  assert.equal(watch.errors.length, 1)
})

test('the end is told to everybody, and nobody can join any more', async (t) => {
  const watch = watchOf(t, await openDatabase(t))
  const [one, other] = [listener(), listener()]
  watch.join(one)
  watch.join(other)
  watch.stop()
  assert.deepEqual([one.ends, other.ends, watch.join(listener())], [1, 1, undefined])
})
