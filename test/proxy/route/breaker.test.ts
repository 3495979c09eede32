import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Breaker, createBreaker } from '../../../proxy/route/breaker.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const MINUTES_15 = 15 * 60_000

/** After calls that succeeded (`+`) or failed (`-`). */
function after(calls: string): Breaker {
  const breaker = createBreaker()
  for (const call of calls) {
    breaker.began(NOON)
    breaker.ended(call === '+', NOON)
  }
  return breaker
}

const histories: Readonly<Record<string, readonly [isClosed: boolean, failureRate: number]>> = {
  '': [true, 0],
  '----': [true, 1],
  '-----': [false, 1],
  '+++--': [true, 0.4],
  '++---': [false, 0.6],
  '+++---': [false, 0.5],
  '++++----': [false, 0.5],
  '++++++++++----': [true, 0.4],
  '++++++++++-----': [false, 0.5],
  '----++++++++++': [true, 0],
  '----+': [true, 0.8], // it opens with a failure, never with a success
  '++--+-': [false, 0.5],
}

for (const [calls, [isClosed, failureRate]] of Object.entries(histories)) {
  test(`after the calls "${calls}" a channel is ${isClosed ? 'well' : 'left alone'}`, () => {
    const breaker = after(calls)
    assert.equal(breaker.isClosed(NOON), isClosed)
    assert.equal(breaker.failureRate(), failureRate)
    assert.equal(breaker.openUntil(), isClosed ? undefined : NOON + MINUTES_15)
  })
}

test('whoever sees a channel fail too often learns until when it is left alone, once', () => {
  const breaker = after('----')
  assert.equal(breaker.ended(false, NOON + 7), NOON + 7 + MINUTES_15)
  assert.equal(breaker.ended(false, NOON + 8), undefined)
  assert.equal(breaker.openUntil(), NOON + 7 + MINUTES_15)
})

test('after fifteen minutes one call tries the channel while the others go elsewhere', () => {
  const breaker = after('-----')
  assert.ok(!breaker.isClosed(NOON + MINUTES_15 - 1))
  assert.ok(breaker.isClosed(NOON + MINUTES_15))
  breaker.began(NOON + MINUTES_15)
  assert.ok(!breaker.isClosed(NOON + MINUTES_15))
})

test('a channel that was tried and works starts anew', () => {
  const breaker = after('-----')
  breaker.began(NOON + MINUTES_15)
  assert.equal(breaker.ended(true, NOON + MINUTES_15 + 5), undefined)
  assert.ok(breaker.isClosed(NOON + MINUTES_15 + 5))
  assert.equal(breaker.failureRate(), 0)
  assert.equal(breaker.ended(false, NOON + MINUTES_15 + 6), undefined, 'one failure is not five')
})

test('a channel that was tried and fails is left alone for another fifteen minutes', () => {
  const breaker = after('-----')
  const at = NOON + MINUTES_15
  breaker.began(at)
  assert.equal(breaker.ended(false, at + 5), at + 5 + MINUTES_15)
  assert.ok(!breaker.isClosed(at + MINUTES_15))
  assert.ok(breaker.isClosed(at + 5 + MINUTES_15))
})

test('a trial that never reached the channel leaves it to the next call', () => {
  const breaker = after('-----')
  breaker.began(NOON + MINUTES_15)
  breaker.withdrew()
  assert.ok(breaker.isClosed(NOON + MINUTES_15))
})

test('a trial of which nothing is heard does not close the channel for ever', () => {
  const breaker = after('-----')
  breaker.began(NOON + MINUTES_15)
  assert.ok(!breaker.isClosed(NOON + MINUTES_15 + 119_999))
  assert.ok(breaker.isClosed(NOON + MINUTES_15 + 120_000))
})

test('a call that goes to an open channel for want of another does not close it', () => {
  const breaker = after('-----')
  breaker.began(NOON + 1)
  breaker.ended(true, NOON + 2)
  assert.ok(!breaker.isClosed(NOON + 3))
  assert.ok(breaker.failureRate() < 1)
})

test('a channel that is resumed starts anew', () => {
  const breaker = after('-----')
  breaker.reset()
  assert.ok(breaker.isClosed(NOON))
  assert.equal(breaker.failureRate(), 0)
  assert.equal(breaker.openUntil(), undefined)
})
