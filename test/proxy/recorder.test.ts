import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEBUG_LOG, type DebugLog, defaultDebugLog } from '../../proxy/domain/recording.ts'
import { endpointOf } from '../../proxy/domain/endpoint.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import type { AnswerWatcher } from '../../proxy/http/watch-answer.ts'
import { createRecorder } from '../../proxy/recorder.ts'
import { createRecordingStore } from '../../proxy/store/recordings.ts'
import { createSettingStore } from '../../proxy/store/settings.ts'
import { createLog } from '../../proxy/telemetry/log.ts'
import { aKey } from '../support/a-key.ts'
import { openDatabase, testEngines, type TestDatabase } from '../support/database.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const HOUR_MS = 3_600_000
const MB = 1024 * 1024
const key = aKey()

async function recorderOn({ database }: TestDatabase, debugLog: Partial<DebugLog>) {
  const configuration = { settings: createSettingStore(database), recordings: createRecordingStore(database) }
  await configuration.settings.set(DEBUG_LOG, { ...defaultDebugLog, enabled: true, ...debugLog })
  const recorder = createRecorder({ configuration, now: () => NOON, log: createLog('silent', false) })
  await recorder.readOnce()
  /** Answers who hears of the answer; undefined where nobody wants to. */
  const begin = (body: Buffer, keyId = key.id): AnswerWatcher | undefined => {
    let watcher: AnswerWatcher | undefined
    const incoming = {
      id: ulid(),
      requestId: 'r1',
      endpoint: endpointOf('/v1/messages', [], false),
      method: 'POST',
      search: '',
      headers: {},
    }
    const unused = () => assert.fail('a recorder has no use for it')
    const rest = { address: unused, credential: undefined, readBody: unused, keepAlive: unused }
    recorder.record(
      { ...incoming, ...rest, client: undefined as never, watchAnswer: (one) => void (watcher = one) }, // safe: like the rest
      { ...key, id: keyId },
      body,
    )
    return watcher
  }
  return { recorder, begin, ...configuration }
}

test('calls of other keys are left alone', async (t) => {
  const { begin, recorder, recordings } = await recorderOn(await openDatabase(t), { keyIds: ['key-1'] })
  assert.equal(begin(Buffer.from('{}'), 'key-2'), undefined)
  begin(Buffer.from('{}'), 'key-1')?.end()
  await recorder.settled()
  assert.equal((await recordings.sums()).count, 1)
})

test('more than 64 MiB are never held: what comes then is dropped and counted, and later calls are kept', async (t) => {
  const { begin, recorder, recordings } = await recorderOn(await openDatabase(t), { maxBodyKb: 4096 })
  const body = Buffer.alloc(5 * MB)
  const under = Array.from({ length: 15 }, () => begin(body))
  assert.ok(under.every((watcher) => watcher !== undefined))
  assert.equal(begin(body), undefined)
  assert.equal(recorder.dropped(), 1)
  const [first, ...others] = under
  first?.data(Buffer.alloc(4 * MB))
  first?.end()
  assert.equal(recorder.dropped(), 2, 'its answer had no room')
  for (const watcher of others) watcher?.end()
  await recorder.settled()
  assert.equal((await recordings.sums()).count, 14)
  begin(body)?.end()
  await recorder.settled()
  assert.equal((await recordings.sums()).count, 15)
  assert.equal(recorder.dropped(), 2)
})

test('what the database does not take is dropped and counted, and what comes after it is kept', async (t) => {
  const store = await openDatabase(t)
  const { begin, recorder, recordings } = await recorderOn(store, {})
  const keep = async (): Promise<void> => {
    begin(Buffer.from('{}'))?.end()
    await recorder.settled()
  }
  await store.query('ALTER TABLE request_bodies RENAME TO away')
  await keep()
  await store.query('ALTER TABLE away RENAME TO request_bodies')
  await keep()
  assert.deepEqual([recorder.dropped(), (await recordings.sums()).count], [1, 1])
})

testEngines('what is kept goes by the retention that was set', async (_t, store) => {
  const { begin, recorder, recordings } = await recorderOn(store, { fullRetentionHours: 2, headerRetentionHours: 4 })
  begin(Buffer.from('{}'))?.end()
  await recorder.settled()
  const began = Date.now() // as the id of the call says
  const left = async (hours: number) => {
    await recorder.prune(began + hours * HOUR_MS)
    const { count, withBodies } = await recordings.sums()
    return [count, withBodies]
  }
  assert.deepEqual(
    [await left(1), await left(3), await left(5)],
    [
      [1, 1],
      [1, 0],
      [0, 0],
    ],
  )
})
