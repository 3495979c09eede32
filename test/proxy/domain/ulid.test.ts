import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeTime } from 'ulid'
import { ulid } from '../../../proxy/domain/ulid.ts'

const NOON = Date.UTC(2030, 0, 1, 12)

test('ids ascend within a millisecond, over milliseconds and when the clock is set back', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: NOON })
  const ids: string[] = []
  for (const at of [NOON, NOON + 1, NOON + 50, NOON - 3_600_000, NOON + 51]) {
    t.mock.timers.setTime(at)
    for (let count = 0; count < 2000; count++) ids.push(ulid())
  }
  assert.deepEqual(ids, ids.toSorted())
  assert.equal(new Set(ids).size, ids.length)
})

test('an id tells when it was made, in 26 characters of Crockford’s alphabet', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: NOON + 3_600_000 })
  const id = ulid()
  assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
  assert.equal(decodeTime(id), NOON + 3_600_000)
})
