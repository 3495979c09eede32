import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { logStreamOperation } from '../../../../proxy/admin/log-stream-operation.ts'
import { NOBODY } from '../../../../proxy/domain/operation.ts'
import type { LogListener } from '../../../../proxy/domain/log.ts'
import { createLogWatch } from '../../../../proxy/log-watch.ts'
import { createLogStore } from '../../../../proxy/store/logs.ts'
import { NOW, startAdminApi } from '../../../support/admin-api.ts'
import { type Opened, open } from '../../../support/ask.ts'
import { write } from '../../../support/counters.ts'
import { openDatabase, type TestDatabase, testEngines } from '../../../support/database.ts'
import { closedEntry } from '../../../support/entries.ts'
import { logged } from '../../../support/log-entries.ts'
import { until } from '../../../support/gateway.ts'
import { entryAt } from '../../../support/log-entries.ts'

async function start(t: TestContext, store: TestDatabase) {
  const logs = createLogStore(store.database)
  const watch = createLogWatch({
    endedSince: (instant) => logs.endedSince(instant),
    now: () => NOW,
    pollIntervalMs: 5,
    onError: (error) => assert.fail(String(error)),
  })
  t.after(() => watch.stop())
  const api = await startAdminApi(t, store, { operations: [logStreamOperation({ watch })] })
  const stream = (headers: Record<string, string> = { authorization: 'Bearer admin' }): Promise<Opened> =>
    open(`${api.url}/api/logs/stream`, { headers })
  return { api, watch, stream }
}

interface Told {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly timestamp: string
}

function eventsIn({ received }: Opened): readonly Told[] {
  const frames = received().split('\n\n').slice(0, -1)
  return frames.map((frame) => {
    const [, name, data = ''] = /^event: (.+)\ndata: (.+)$/.exec(frame) ?? []
    const told = JSON.parse(data) as Told // safe: compared below
    assert.equal(told.type, name)
    return told
  })
}

testEngines('whoever listens is told of calls as they end', async (t, store) => {
  const { watch, stream } = await start(t, store)
  const listening = await stream()
  assert.deepEqual([listening.status, listening.headers['content-type']], [200, 'text/event-stream; charset=utf-8'])
  await until('it is connected', () => eventsIn(listening).length === 1)
  const entry = entryAt(NOW - 1000, { durationMs: 1000, requestId: 'r1' })
  await write(store, [entry])
  await until('the call is told', () => eventsIn(listening).some(({ type }) => type === 'log:created'))
  await until('a heartbeat', () => eventsIn(listening).some(({ type }) => type === 'heartbeat'))
  const events = eventsIn(listening)
  assert.equal(events[0]?.type, 'connected')
  assert.match(String(events[0]?.data['clientId']), /^[0-9A-Z]{26}$/)
  const created = events.filter(({ type }) => type === 'log:created')
  assert.deepEqual(
    created.map(({ data, timestamp }) => [data['id'], data['requestId'], timestamp]),
    [[entry.id, 'r1', new Date(NOW).toISOString()]],
  )
  watch.stop()
  await listening.whole() // it ends, and does not break off
})

test('a place is free when a listener has left', async (t) => {
  const { api, watch, stream } = await start(t, await openDatabase(t))
  const leave = Array.from({ length: 99 }, () => watch.join({ tell: () => {}, end: () => {} }))
  assert.ok(leave.every((each) => each !== undefined))
  const last = await stream()
  assert.equal(last.status, 200)
  const refused = await stream()
  assert.equal(refused.status, 503)
  const { error, code } = JSON.parse((await refused.whole()).toString()) as Record<string, unknown> // safe: compared
  assert.deepEqual([error, code], ['Too many SSE connections', 'overloaded'])
  last.hangUp()
  await until('the place is free', async () => {
    const next = await stream()
    next.hangUp()
    return next.status === 200
  })
  await until('a HEAD is answered, and listens no longer', async () => {
    const { status } = await api.send('HEAD', '/api/logs/stream')
    return status === 200 && (await stream()).status === 200
  })
})

test('whoever reads too slowly is dropped, and nothing more is kept for it', async () => {
  let listener: LogListener | undefined
  const left: string[] = []
  const watch = {
    join(one: LogListener) {
      listener = one
      return () => void left.push('one')
    },
  }
  const call = {
    params: {},
    query: {},
    body: undefined,
    actor: NOBODY,
    expectedRevision: undefined,
    host: '',
    now: NOW,
  }
  const { events } = await logStreamOperation({ watch }).perform(call)
  assert.ok(events)
  const entries = Array.from({ length: 100 }, () => logged(closedEntry()))
  const tellALot = (): void => Array.from({ length: 5 }).forEach(() => listener?.tell(entries, NOW))
  tellALot()
  assert.deepEqual(left, [])
  for (const _ of Array.from({ length: 10 })) tellALot()
  assert.deepEqual(left, ['one'])
})

test('only administrators of all may listen', async (t) => {
  const { stream } = await start(t, await openDatabase(t))
  for (const [key, status] of [
    ['tenant', 403],
    ['user', 403],
    ['nobody', 401],
  ] as const) {
    assert.equal((await stream({ authorization: `Bearer ${key}` })).status, status)
  }
})
