import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Entry } from '../../../proxy/domain/entry.ts'
import type { LogFilter, LogStore } from '../../../proxy/domain/log.ts'
import { NO_USAGE } from '../../../proxy/domain/usage.ts'
import { createLogStore } from '../../../proxy/store/logs.ts'
import { countersOf, write } from '../../support/counters.ts'
import { openDatabase, testEngines } from '../../support/database.ts'
import { closedEntry } from '../../support/entries.ts'
import { entryAt, logged } from '../../support/log-entries.ts'
import { rounds } from '../../support/rounds.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const MINUTE_MS = 60_000

function idsOf(entries: readonly { readonly id: string }[]): readonly string[] {
  return entries.map(({ id }) => id)
}

testEngines('what the ledger has written is read as it was, in full', async (_t, { database }) => {
  const logs = createLogStore(database)
  const failed = { channel: 'first', model: 'm', status: 429, error: 'rate_limit_error', durationMs: 5 } as const
  const costs = { inputNanoUsd: 1, outputNanoUsd: 2, cacheWriteNanoUsd: 3, cacheReadNanoUsd: 4, totalNanoUsd: 10 }
  const full = closedEntry({
    channelId: 'abad1dea',
    clientId: 'user',
    sessionId: 'session',
    effort: 'high',
    lost: 'top_k,metadata',
    told: { model: 'claude-20300101', serviceTier: 'priority', error: 'no' },
    usage: { ...NO_USAGE, inputTokens: 5, cacheWriteTokens: 9, cacheWrite1hTokens: 4, reasoningTokens: 2 },
    costs,
    costNanoUsd: 10,
    attempts: [{ ...failed, followedBy: 'next', usage: NO_USAGE, costs: null, quota: null }],
    quota: 'channel:abad1dea:1',
  })
  const bare = closedEntry({ stream: false, model: null, firstByteMs: null })
  await write({ database }, [full, bare])
  assert.deepEqual(await logs.find(full.id, {}), logged(full))
  assert.deepEqual(await logs.find(bare.id, {}), logged(bare))
  assert.equal(await logs.find(closedEntry().id, {}), undefined)
})

const filters: Readonly<Record<string, readonly [filter: LogFilter, found: readonly string[]]>> = {
  nothing: [{}, ['e', 'd', 'c', 'b', 'a']],
  'the name of a channel': [{ channel: 'first' }, ['b', 'a']],
  'the id of a channel': [{ channel: 'abad1dea' }, ['c', 'b']],
  'a model': [{ model: 'opus' }, ['d', 'a']],
  'an endpoint': [{ endpoint: 'chat/completions' }, ['e']],
  'a key': [{ keyId: 'key-2' }, ['e', 'b']],
  'a client': [{ clientId: 'u1' }, ['a']],
  'a session': [{ sessionId: 's1' }, ['c', 'a']],
  'one status': [{ httpStatus: [429, 429] }, ['d']],
  'errors of a kind': [{ httpStatus: [500, 599] }, ['e', 'b']],
  successes: [{ httpStatus: [200, 299] }, ['c', 'a']],
  'how it ended': [{ status: 'failed' }, ['e']],
  'a start': [{ from: NOON + 2 * MINUTE_MS }, ['e', 'd', 'c']],
  'an end, which is not in it': [{ to: NOON + 2 * MINUTE_MS }, ['b', 'a']],
  'a session and a status': [{ sessionId: 's1', httpStatus: [200, 299] }, ['c', 'a']],
  'a key, a status and a time': [{ keyId: 'key-2', httpStatus: [500, 599], from: NOON + MINUTE_MS + 1 }, ['e']],
  'what nothing has': [{ model: 'opus', channel: 'abad1dea' }, []],
  'a name that is SQL': [{ model: "' OR '1' = '1" }, []],
}

testEngines('each filter leaves what it names, newest first', async (_t, { database }) => {
  const logs = createLogStore(database)
  const made: Readonly<Record<string, Partial<Entry>>> = {
    a: { channel: 'first', model: 'opus', clientId: 'u1', sessionId: 's1' },
    b: { channel: 'first', channelId: 'abad1dea', keyId: 'key-2', httpStatus: 503 },
    c: { channel: 'renamed', channelId: 'abad1dea', sessionId: 's1' },
    d: { model: 'opus', httpStatus: 429 },
    e: { keyId: 'key-2', endpoint: 'chat/completions', status: 'failed', httpStatus: 500 },
  }
  const entries = Object.entries(made).map(([requestId, more], nth) =>
    entryAt(NOON + nth * MINUTE_MS, { requestId, ...more }),
  )
  await write({ database }, entries)
  for (const [what, [filter, found]] of Object.entries(filters)) {
    const { entries: listed, next } = await logs.list(filter, { limit: 100 })
    assert.deepEqual(
      listed.map(({ requestId }) => requestId),
      found,
      what,
    )
    assert.equal(next, null, what)
    assert.deepEqual(await logs.count(filter), { total: found.length, isExact: true }, what)
  }
})

testEngines('a tenant has the entries of the keys that are its own', async (_t, { database, keys }) => {
  const logs = createLogStore(database)
  await keys.tenants.create('tenant-1', { name: 'acme' }, NOON)
  await keys.update('key-2', { tenantId: 'tenant-1' })
  const [other, own] = [entryAt(NOON), entryAt(NOON + 1, { keyId: 'key-2' })]
  await write({ database }, [other, own])
  assert.deepEqual(idsOf((await logs.list({ tenantId: 'tenant-1' }, { limit: 10 })).entries), [own.id])
  assert.deepEqual(idsOf((await logs.list({ tenantId: 'tenant-1', keyId: 'key-1' }, { limit: 10 })).entries), [])
  assert.equal((await logs.find(own.id, { tenantId: 'tenant-1' }))?.id, own.id)
  assert.equal(await logs.find(other.id, { tenantId: 'tenant-1' }), undefined)
  assert.equal(await logs.find(own.id, { tenantId: 'tenant-2' }), undefined)
})

async function readAll(logs: LogStore, filter: LogFilter, limit: number, between: () => Promise<unknown>) {
  const entries: Entry[] = []
  let before: string | undefined
  do {
    const page = await logs.list(filter, { limit, ...(before !== undefined && { before }) })
    entries.push(...page.entries)
    before = page.next ?? undefined
    await between()
  } while (before !== undefined)
  return entries
}

testEngines('pages joined are the whole, whatever their size, while calls are added', async (_t, { database }) => {
  const logs = createLogStore(database)
  let now = NOON
  const add = async (some: number): Promise<void> => {
    const models = ['opus', 'haiku'] as const
    const made = Array.from({ length: some }, (_, nth) => entryAt((now += 7), { model: models[nth % 2] ?? null }))
    await write({ database }, made)
  }
  await add(25)
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.nat(5),
      fc.constantFrom({}, { model: 'opus' }),
      async (limit, some, filter) => {
        const whole = await logs.list(filter, { limit: 5000 })
        assert.equal(whole.next, null)
        const joined = await readAll(logs, filter, limit, () => add(some))
        assert.deepEqual(idsOf(joined), idsOf(whole.entries))
      },
    ),
    rounds(10),
  )
})

testEngines('an offset leaves out the first', async (_t, { database }) => {
  const logs = createLogStore(database)
  const entries = [entryAt(NOON + 2), entryAt(NOON + 1), entryAt(NOON)]
  await write({ database }, entries)
  const page = await logs.list({}, { offset: 1, limit: 1 })
  assert.deepEqual([idsOf(page.entries), page.next], [[entries[1]?.id], entries[1]?.id])
  assert.deepEqual(await logs.list({}, { offset: 2, limit: 1 }), {
    entries: entries.slice(2).map(logged),
    next: null,
  })
})

testEngines('a search for what is rare stops after ten thousand entries and says where to go on', async (_t, store) => {
  const logs = createLogStore(store.database)
  const rare = entryAt(NOON - 2, { model: 'rare' })
  await write(store, [entryAt(NOON - 3), rare])
  for (let at = 0; at < 10_000; at += 2500) {
    await write(
      store,
      Array.from({ length: 2500 }, (_, nth) => entryAt(NOON + at + nth, { keyId: 'key-2' })),
    )
  }
  const page = await logs.list({ model: 'rare' }, { limit: 10 })
  assert.deepEqual(page.entries, [])
  assert.ok(page.next !== null && page.next > rare.id)
  assert.deepEqual(await logs.count({ model: 'rare' }), { total: 0, isExact: false })
  const rest = await logs.list({ model: 'rare' }, { limit: 10, before: page.next })
  assert.deepEqual([idsOf(rest.entries), rest.next], [[rare.id], null])

  const unheardOf = await logs.list({ httpStatus: [300, 399] }, { limit: 10 })
  assert.deepEqual([unheardOf.entries, unheardOf.next], [[], page.next])

  assert.deepEqual(await logs.count({}), { total: 10_000, isExact: false })
  assert.deepEqual(await logs.count({ keyId: 'key-2' }), { total: 10_000, isExact: true })
  const { entries, next } = await logs.list({ model: 'rare', keyId: 'key-1' }, { limit: 10 })
  assert.deepEqual([idsOf(entries), next], [[rare.id], null], 'of a key only its entries are looked at')
  const ofBusy = await logs.list({ model: 'rare', keyId: 'key-2' }, { limit: 10 })
  const newer = await logs.list({ keyId: 'key-2' }, { limit: 1, offset: 3999 })
  assert.deepEqual([ofBusy.entries, ofBusy.next], [[], newer.entries[0]?.id], 'and fewer of them')
})

testEngines('what has ended since is told by its end, and not by its beginning', async (_t, { database }) => {
  const logs = createLogStore(database)
  const long = entryAt(NOON - 600_000, { durationMs: 601_000 })
  const short = entryAt(NOON, { durationMs: 500 })
  const over = entryAt(NOON - 5000, { durationMs: 4999 })
  await write({ database }, [long, over, short])
  assert.deepEqual(idsOf(await logs.endedSince(NOON)), [short.id, long.id])
})

testEngines('what was reported is there once, however often it is reported, and counts nowhere', async (_t, store) => {
  const { database } = store
  const logs = createLogStore(database)
  await write(store, [entryAt(NOON)])
  const counters = await countersOf(store)
  const { id: _, ...call } = entryAt(NOON, { keyId: '', requestId: 'r1', channelId: 'hook:anthropic', spend: 0 })
  const told = await Promise.all(Array.from({ length: 4 }, () => logs.report(call)))
  assert.equal(new Set(told.map(({ id }) => id)).size, 1)
  assert.equal(told.filter(({ created }) => created).length, 1)
  const [first] = told
  assert.deepEqual(await logs.report({ ...call, model: 'other' }), { id: first?.id, created: false })
  assert.deepEqual(await logs.find(first?.id ?? '', {}), {
    ...call,
    id: first?.id,
    hasRecording: false,
  })
  assert.equal((await logs.report({ ...call, requestId: 'r2', admittedAt: NOON + 5 })).created, true)
  assert.deepEqual(await countersOf(store), counters)
  await write(store, [entryAt(NOON, { requestId: 'r1' }), entryAt(NOON, { requestId: 'r1' })])
  assert.deepEqual(await logs.count({}), { total: 5, isExact: true }, 'calls of our own may share a request id')
})

testEngines('what is removed is what was admitted before, and the counters stay', async (_t, store) => {
  const logs = createLogStore(store.database)
  const kept = entryAt(NOON)
  const old = Array.from({ length: 5003 }, (_, nth) => entryAt(NOON - 1 - nth))
  await write(store, [kept, ...old])
  const counters = await countersOf(store)
  assert.equal(await logs.remove(NOON), 5003)
  assert.deepEqual(idsOf((await logs.list({}, { limit: 10 })).entries), [kept.id])
  assert.equal(await logs.remove(NOON), 0)
  assert.deepEqual(await countersOf(store), counters)
})

test('an error of the engine does not quote what was searched for', async (t) => {
  const { database } = await openDatabase(t)
  const logs = createLogStore(database)
  await database.sequelize.query('DROP TABLE request_logs')
  await assert.rejects(
    logs.list({ model: 'a secret' }, { limit: 1 }),
    (error: Error) => error.name === 'StoreError' && !error.message.includes('secret'),
  )
})
