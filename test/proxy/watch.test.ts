import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Listening, Store } from '../../proxy/domain/store.ts'
import { createDatabaseStore } from '../../proxy/store/database-store.ts'
import { NO_RETRY } from '../../proxy/store/retry.ts'
import { watchKeys } from '../../proxy/watch.ts'
import {
  keyFields,
  markOf,
  openDatabase,
  postgresSettings,
  type TestDatabase,
  testEngines,
} from '../support/database.ts'
import { unexpected } from '../support/entries.ts'
import { until } from '../support/gateway.ts'

const NEVER_MS = 3_600_000

function storeOf({ database }: TestDatabase): Store {
  return createDatabaseStore({ database, retry: NO_RETRY, initialise: async () => undefined })
}

/** A store whose revision is a number, and that can be away. */
async function scripted(t: TestContext, listening?: Listening) {
  let revision = 0
  let looks = 0
  let isAway = false
  let onHint = (): void => assert.fail('nobody listens')
  const store: Store = {
    ...storeOf(await openDatabase(t)),
    async revision() {
      looks += 1
      const answer = String(revision)
      await Promise.resolve()
      if (isAway) throw new Error('away')
      return answer
    },
    ...(listening && {
      listen(hint: () => void) {
        onHint = hint
        return listening
      },
    }),
  }
  return {
    store,
    looks: () => looks,
    change: () => void (revision += 1),
    goAway: (next: boolean) => void (isAway = next),
    hint: () => onHint(),
  }
}

/** Counts what a watch tells. */
function counting() {
  const told = { changes: 0, fresh: [] as number[], errors: [] as string[] }
  return {
    told,
    events: {
      onChange: async () => {
        told.changes += 1
        await Promise.resolve()
      },
      onFresh: (at: number) => void told.fresh.push(at),
      onError: (error: unknown) => void told.errors.push(String(error)),
    },
  }
}

/** Lets everything happen that waits for nothing. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

testEngines('a watch tells of every change of a key, and of nothing else', async (t, opened) => {
  const { keys } = opened
  const { told, events } = counting()
  const watch = watchKeys(storeOf(opened), NEVER_MS, { ...events, onError: unexpected })
  t.after(() => watch.stop())
  await watch.check()
  await watch.check()
  assert.equal(told.changes, 0)
  for (const change of [
    () => keys.create('key-9', keyFields(), markOf('secret'), 0),
    () => keys.setStatus('key-1', 'disabled'),
    () => keys.rotate('key-1', markOf('new secret')),
  ]) {
    const before: number = told.changes
    await change()
    await watch.check()
    assert.equal(told.changes, before + 1)
    await watch.check()
    assert.equal(told.changes, before + 1)
  }
  await assert.rejects(keys.create('key-9', keyFields(), markOf('secret'), 0))
  await watch.check()
  assert.equal(told.changes, 3, 'what was not changed is not told')
})

test('a change that could not be told is told again, and what is in memory is not fresh before', async (t) => {
  const { store, change } = await scripted(t)
  const { told, events } = counting()
  let attempts = 0
  const onChange = async (): Promise<void> => {
    attempts += 1
    if (attempts < 3) throw new Error(`attempt ${attempts}`)
    await Promise.resolve()
  }
  const watch = watchKeys(store, 5, { ...events, onChange })
  t.after(() => watch.stop())
  await watch.check()
  change()
  const before = told.fresh.length
  await assert.rejects(watch.check(), /attempt 1/)
  assert.equal(told.fresh.length, before)
  await until('it was told', () => attempts === 3)
  assert.deepEqual(told.errors, ['Error: attempt 1', 'Error: attempt 2'])
})

testEngines('a change before the first look that worked is told', async (t, opened) => {
  const { keys, query } = opened
  await query('ALTER TABLE settings RENAME TO away')
  const { told, events } = counting()
  const watch = watchKeys(storeOf(opened), NEVER_MS, events)
  t.after(() => watch.stop())
  await assert.rejects(watch.check())
  await query('ALTER TABLE away RENAME TO settings')
  await keys.setStatus('key-1', 'revoked')
  await watch.check()
  await watch.check()
  assert.equal(told.changes, 1)
})

test('an outage is told once, and the next one again', async (t) => {
  const { store, looks, goAway } = await scripted(t)
  goAway(true)
  const { told, events } = counting()
  const watch = watchKeys(store, 1, events)
  t.after(() => watch.stop())
  for (const outage of [1, 2]) {
    for (const isAway of [true, false]) {
      goAway(isAway)
      const before: number = looks()
      await until('several looks', () => looks() > before + 5)
    }
    assert.equal(told.errors.length, outage)
  }
})

test('what is in memory was the truth when the look began', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 })
  const { store, goAway } = await scripted(t)
  const { told, events } = counting()
  const watch = watchKeys(
    { ...store, revision: async () => (t.mock.timers.setTime(Date.now() + 500), store.revision()) },
    NEVER_MS,
    events,
  )
  t.after(() => watch.stop())
  await watch.check()
  assert.deepEqual(told.fresh, [1000, 1500])
  goAway(true)
  await assert.rejects(watch.check())
  assert.equal(told.fresh.length, 2)
})

test('a hint makes a watch look at once, and one that comes during a look makes it look again', async (t) => {
  const { store, hint, change, looks } = await scripted(t, { isStanding: () => true, stop: () => undefined })
  const { told, events } = counting()
  const watch = watchKeys(store, NEVER_MS, events)
  t.after(() => watch.stop())
  await watch.check()
  const before = looks()
  hint() // begins to look
  await Promise.resolve()
  change() // is not seen by this look
  hint()
  await settled()
  assert.equal(looks(), before + 2)
  assert.equal(told.changes, 1)
})

test('while a store tells of changes it is looked at every second, in case one was lost, else at its interval', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let [isStanding, stops] = [true, 0]
  const listening = { isStanding: () => isStanding, stop: () => void (stops += 1) }
  const { store, looks, change } = await scripted(t, listening)
  const { told, events } = counting()
  const watch = watchKeys(store, 5000, events)
  const looksAfter = async (ms: number): Promise<number> => {
    const before = looks()
    t.mock.timers.tick(ms)
    await settled()
    return looks() - before
  }
  await settled()
  assert.equal(looks(), 1)
  change() // and its hint is lost
  assert.equal(await looksAfter(999), 0)
  assert.equal(told.changes, 0)
  assert.equal(await looksAfter(1), 1)
  assert.equal(told.changes, 1)
  isStanding = false
  assert.equal(await looksAfter(1000), 1)
  assert.equal(await looksAfter(4999), 0)
  assert.equal(await looksAfter(1), 1)
  watch.stop()
  assert.equal(await looksAfter(NEVER_MS), 0)
  assert.equal(stops, 1)
})

test('an interval that is shorter than a second stays so', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { store, looks } = await scripted(t, { isStanding: () => true, stop: () => undefined })
  const watch = watchKeys(store, 100, counting().events)
  await settled()
  t.mock.timers.tick(100)
  await settled()
  assert.equal(looks(), 2)
  watch.stop()
})

test('a stop during a look is the end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { store, looks } = await scripted(t)
  const watch = watchKeys(store, 100, counting().events)
  watch.stop()
  await settled()
  t.mock.timers.tick(NEVER_MS)
  await settled()
  assert.equal(looks(), 1)
})

test('postgres: a change by another process is heard without a look', async (t) => {
  const opened = await openDatabase(t, 'postgres')
  const store = createDatabaseStore({
    database: opened.database,
    retry: NO_RETRY,
    initialise: async () => undefined,
    direct: postgresSettings(opened.path),
  })
  const { told, events } = counting()
  const watch = watchKeys(store, NEVER_MS, { ...events, onError: unexpected })
  try {
    await until('it has looked', () => told.fresh.length > 0)
    await opened.keys.setStatus('key-1', 'revoked')
    await until('it was told', () => told.changes === 1)
  } finally {
    watch.stop()
  }
})
