import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthBody, pingInTime } from '../../../proxy/http/health.ts'
import { pick } from '../../support/dialogs.ts'

const ledger = {
  spooled: 0,
  spooledBytes: 0,
  oldestSeconds: 0,
  lastCommitMs: null,
  damagedRecords: 0,
  problem: null,
  isRefusing: false,
}
const program = { version: '1.0.0', schema: 8 }
const ping = { type: 'sqlite', responseTimeMs: 1 } as const

const storage = { type: 'database', isAway: false, retryCount: 0, lastRetryAt: null, canServe: true } as const

interface Found {
  readonly ledger?: object
  readonly ping?: object
  readonly storage?: object
}

const states: readonly (readonly [what: string, found: Found, canServe: boolean, told: string])[] = [
  ['all is well', {}, true, 'ok'],
  ['the ledger is behind', { ledger: { problem: 'the spool is nearly full' } }, true, 'degraded'],
  ['the database does not answer', { ping: { error: 'gone' } }, true, 'degraded'],
  ['the database is slow', { ping: { responseTimeMs: 1001 } }, true, 'degraded'],
  ['calls go on without the database', { storage: { isAway: true } }, true, 'degraded'],
  ['keys cannot be checked', { storage: { isAway: true, canServe: false } }, false, 'unhealthy'],
  ['the spool takes nothing', { ledger: { isRefusing: true } }, false, 'unhealthy'],
]
for (const [what, found, canServe, told] of states) {
  test(`when ${what}, health says ${told}, and ${canServe ? 200 : 503}`, () => {
    const health = healthBody(
      program,
      { ...ping, ...found.ping },
      { ...storage, ...found.storage },
      { ...ledger, ...found.ledger },
      0,
    )
    assert.equal(health.canServe, canServe)
    assert.deepEqual(pick(health.body, { status: told, ...program }), { status: told, ...program })
  })
}

const times: readonly (readonly [responseTimeMs: number, error: string | undefined, status: string])[] = [
  [1000, undefined, 'healthy'],
  [1001, undefined, 'degraded'],
  [2000, undefined, 'degraded'],
  [2001, undefined, 'unhealthy'],
  [1, 'gone', 'unhealthy'],
]
for (const [responseTimeMs, error, status] of times) {
  test(`a database that answers ${error ?? 'well'} after ${responseTimeMs} ms is ${status}`, () => {
    const found = { ...ping, responseTimeMs, ...(error !== undefined && { error }) }
    const { body } = healthBody(program, found, storage, ledger, 0)
    const database = { type: 'sqlite', connected: error === undefined, responseTimeMs, status, ...(error && { error }) }
    assert.deepEqual(pick(body, { database }), { database })
  })
}

test('without its database health tells since when it looks for it, and how often it has', () => {
  const away = { ...storage, isAway: true, retryCount: 3, lastRetryAt: 0 }
  const told = {
    storage: {
      type: 'database',
      inFallbackMode: true,
      fallback: { retryCount: 3, lastRetryAt: '1970-01-01T00:00:00.000Z' },
    },
  }
  assert.deepEqual(pick(healthBody(program, ping, away, ledger, 0).body, told), told)
})

test('what is wrong with the ledger is said in words', () => {
  const told = { ledger: { spooled: 0, oldestSeconds: 0, lastCommitMs: null, damagedRecords: 1, problem: 'why' } }
  const { body } = healthBody(program, ping, storage, { ...ledger, damagedRecords: 1, problem: 'why' }, 0)
  assert.deepEqual(pick(body, told), told)
})

test('many who ask at once cost the database one question', async () => {
  let questions = 0
  const ask = pingInTime('sqlite', async () => {
    questions += 1
    return Promise.resolve(ping)
  })
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [ping, ping, ping])
  assert.equal(questions, 1)
  await ask()
  assert.equal(questions, 2)
})

test('a database that says nothing is told of in time for a probe', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const answer = pingInTime('postgres', () => new Promise(() => {}))()
  t.mock.timers.tick(3000)
  const { type, error } = await answer
  assert.deepEqual([type, error], ['postgres', 'no answer within 3000 ms'])
})
