import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthBody } from '../../../proxy/http/health.ts'
import { pick } from '../../support/dialogs.ts'

const ledger = {
  spooled: 0,
  spooledBytes: 0,
  oldestSeconds: 0,
  lastCommitMs: null,
  damagedRecords: 0,
  isDegraded: false,
  isRefusing: false,
}
const ping = { type: 'sqlite', responseTimeMs: 1 } as const

const states: readonly (readonly [what: string, status: object, found: object, canServe: boolean, told: string])[] = [
  ['all is well', {}, {}, true, 'ok'],
  ['the ledger is behind', { isDegraded: true }, {}, true, 'degraded'],
  ['a record was damaged', { damagedRecords: 1 }, {}, true, 'degraded'],
  ['the database is away', {}, { error: 'gone' }, true, 'degraded'],
  ['the spool takes nothing', { isRefusing: true }, {}, false, 'degraded'],
]
for (const [what, status, found, canServe, told] of states) {
  test(`when ${what}, health says ${told}, and ${canServe ? 200 : 503}`, () => {
    const health = healthBody({ ...ping, ...found }, { ...ledger, ...status }, 0)
    assert.equal(health.canServe, canServe)
    assert.deepEqual(pick(health.body, { status: told }), { status: told })
  })
}
