import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../proxy/domain/store-error.ts'
import { jittered, NO_RETRY, retrying, type RetrySettings } from '../../../proxy/store/retry.ts'

const OPERATION = { operation: 'find a key' }
const AWAY = new StoreError('connection', 'away', OPERATION)
const SETTINGS: RetrySettings = { ...NO_RETRY, max: 3, delayMs: 1, backoff: 2, maxDelayMs: 3 }

/** Work that fails so often. */
function failing(error: Error, times: number) {
  let attempts = 0
  return {
    work: async (): Promise<string> => {
      attempts += 1
      if (attempts <= times) throw error
      return Promise.resolve('done')
    },
    attempts: () => attempts,
  }
}

for (const [chance, expected] of [
  [0, [50, 100, 200, 250, 250]],
  [1, [100, 200, 400, 500, 500]],
] as const) {
  test(`each pause is longer than the one before, up to a limit, and half of it is chance (${chance})`, (t) => {
    t.mock.method(Math, 'random', () => chance)
    const settings = { ...SETTINGS, delayMs: 100, maxDelayMs: 500 }
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((attempt) => jittered(settings, attempt)),
      expected,
    )
  })
}

test('what was away for a while is asked until it answers, and each attempt is told', async () => {
  const { work, attempts } = failing(AWAY, 3)
  const told: unknown[] = []
  const onRetry: RetrySettings['onRetry'] = (error, attempt, delayMs) => {
    assert.ok(delayMs <= 3)
    told.push([error, attempt])
  }
  assert.equal(await retrying('find a key', { ...SETTINGS, onRetry }, work), 'done')
  assert.equal(attempts(), 4)
  assert.deepEqual(told, [
    [AWAY, 1],
    [AWAY, 2],
    [AWAY, 3],
  ])
})

test('what stays away is asked as often as was said, and then told', async () => {
  const { work, attempts } = failing(AWAY, 100)
  await assert.rejects(retrying('find a key', SETTINGS, work), AWAY)
  assert.equal(attempts(), 4)
  const once = failing(AWAY, 1)
  await assert.rejects(retrying('find a key', NO_RETRY, once.work), AWAY)
  assert.equal(once.attempts(), 1)
})

test('only what may pass is tried again', async () => {
  for (const kind of ['query', 'constraint', 'validation'] as const) {
    const lasting = failing(new StoreError(kind, 'no', OPERATION), 1)
    await assert.rejects(retrying('find a key', SETTINGS, lasting.work), { kind })
    assert.equal(lasting.attempts(), 1, kind)
  }
  const passing = failing(new StoreError('query', 'a deadlock', { ...OPERATION, isTransient: true }), 1)
  assert.equal(await retrying('find a key', SETTINGS, passing.work), 'done')
})

test('an error of an engine is judged, and thrown, as a storage error', async () => {
  const refused = failing(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 2)
  assert.equal(await retrying('find a key', SETTINGS, refused.work), 'done')
  const bug = failing(new TypeError('x is not a function'), 1)
  await assert.rejects(retrying('find a key', SETTINGS, bug.work), { name: 'StoreError', operation: 'find a key' })
  assert.equal(bug.attempts(), 1)
})
