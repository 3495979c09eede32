import assert from 'node:assert/strict'
import { createLogStore } from '../../../proxy/store/logs.ts'
import { createRecordingStore } from '../../../proxy/store/recordings.ts'
import { prune } from '../../../proxy/store/retention.ts'
import { write } from '../../support/counters.ts'
import { testEngines } from '../../support/database.ts'
import { entryAt } from '../../support/log-entries.ts'
import { recordingAt } from '../../support/recordings.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const HOUR_MS = 3_600_000
const NONE = { count: 0, withBodies: 0, bytes: 0, oldest: null }

testEngines('what was kept is read as it was, also what is empty and what is no text', async (_t, { database }) => {
  const store = createRecordingStore(database)
  const plain = recordingAt(NOON)
  const odd = recordingAt(NOON, {
    request: { ...plain.request, headers: { 'x-odd': '\0\u00ff' }, body: Buffer.alloc(0), bodyBytes: 0 },
    response: { status: null, headers: {}, body: Buffer.from([0, 255, 254]), bodyBytes: 2 ** 40 },
  })
  await store.append([plain, odd])
  assert.deepEqual(await store.find(plain.id), plain)
  assert.deepEqual(await store.find(odd.id), odd)
  assert.equal(await store.find(recordingAt(NOON).id), undefined)
  const { bytes, ...sums } = await store.sums()
  assert.deepEqual(sums, { count: 2, withBodies: 2, oldest: NOON })
  assert.ok(bytes > 0 && bytes < 1000)
})

testEngines('bodies go when their time is over, and the rest when its own is', async (_t, { database }) => {
  const store = createRecordingStore(database)
  const recordings = [0, 1, 2].map((hours) => recordingAt(NOON + hours * HOUR_MS))
  await store.append(recordings)
  const [first, second, third] = recordings.map(({ id }) => id)
  const bodyOf = async (id = '') => (await store.find(id))?.response.body

  await store.prune(NOON + HOUR_MS, NOON)
  assert.equal(await bodyOf(first), null)
  assert.ok(await bodyOf(second))
  const left = await store.find(first ?? '')
  assert.deepEqual([left?.request.body, left?.request.headers, left?.request.bodyBytes], [null, { accept: '*/*' }, 23])
  assert.equal((await store.sums()).withBodies, 2)

  await store.prune(NOON + 2 * HOUR_MS, NOON + HOUR_MS)
  assert.deepEqual([await bodyOf(first), await bodyOf(second)], [undefined, null])
  assert.ok(await bodyOf(third))

  assert.deepEqual(await store.removeHeaders(), { cleared: 1, removed: 1 })
  assert.equal((await store.find(third ?? ''))?.request.headers, null)
  assert.deepEqual(await store.removeHeaders(), { cleared: 0, removed: 0 })
  assert.equal(await store.removeAll(), 1)
  assert.deepEqual(await store.sums(), NONE)
})

testEngines('an entry tells what was kept of its call, and takes it along when it goes', async (_t, { database }) => {
  const [logs, store] = [createLogStore(database), createRecordingStore(database)]
  const entries = [0, 1, 2, 3].map((hours) => entryAt(NOON + hours * HOUR_MS))
  await write({ database }, entries)
  await store.append(entries.slice(0, 3).map(({ id, admittedAt }) => recordingAt(admittedAt, { id })))
  const told = async () => (await logs.list({}, { limit: 10 })).entries.map(({ hasRecording }) => hasRecording)
  assert.deepEqual(await told(), [false, true, true, true])
  assert.equal(await logs.remove(NOON + 1), 1)
  assert.equal((await store.sums()).count, 2)
  assert.equal(await prune(database, NOON + HOUR_MS + 1, 0, NOON), 1)
  assert.equal((await store.sums()).count, 1)
  assert.deepEqual(await told(), [false, true])
})
