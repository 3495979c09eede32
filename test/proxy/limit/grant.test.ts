import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { LeaseAsk } from '../../../proxy/domain/lease.ts'
import { grantOf } from '../../../proxy/limit/grant.ts'
import { TOKEN_WINDOW } from '../../../proxy/limit/spans.ts'
import { rounds } from '../../support/rounds.ts'

interface Asked {
  readonly base?: number
  readonly wanted?: number
  readonly spare?: number
  readonly used?: number
  readonly others?: number
}

/** Of a limit of 1000. */
function grantedFor({ base = 0, wanted = 0, spare = 0, used = 0, others = 0 }: Asked): number {
  const ask: LeaseAsk = {
    subject: 'key',
    unit: 'tokens',
    span: TOKEN_WINDOW,
    limit: 1000,
    base,
    wanted,
    spare,
    used: [],
  }
  return grantOf(ask, { used, others })
}

const situations: Readonly<Record<string, readonly [asked: Asked, granted: number]>> = {
  'what waits and what is spare, where both fit': [{ wanted: 300, spare: 200 }, 500],
  'as much of what is spare as fits': [{ wanted: 300, spare: 200, used: 600 }, 400],
  'what waits, to the last token': [{ wanted: 300, used: 400, others: 300 }, 300],
  'nothing instead of a part of what waits, while others hold a lease': [{ wanted: 300, used: 401, others: 300 }, 0],
  'what is in flight, where what waits does not fit on top': [{ base: 200, wanted: 300, used: 501, others: 300 }, 200],
  'what is in flight, though the limit was lowered below it': [{ base: 200, used: 990, others: 300 }, 200],
  'all that is left to a call that is too large, alone': [{ wanted: 5000, used: 400 }, 600],
  'the last token to a call that is too large, alone': [{ wanted: 5000, used: 999 }, 1],
  'no second call beside one that went over': [{ base: 700, wanted: 10, used: 400 }, 700],
  'nothing of a limit that is spent exactly': [{ wanted: 1, used: 1000 }, 0],
  'nothing of a limit that is overdrawn': [{ wanted: 1, spare: 1, used: 1200 }, 0],
  'nothing to who needs nothing': [{}, 0],
}

for (const [what, [asked, granted]] of Object.entries(situations)) {
  test(`a lease is ${what}`, () => assert.equal(grantedFor(asked), granted))
}

test('whoever asks in whatever order, no more is leased than is left, besides what was in flight before', () => {
  const amount = fc.nat(500)
  const step = fc.record({
    replica: fc.nat(3),
    keeps: fc.double({ min: 0, max: 1, noNaN: true }),
    wanted: amount,
    spare: amount,
  })
  fc.assert(
    fc.property(fc.nat(1100), fc.array(step, { maxLength: 60 }), (used, steps) => {
      const leases = [0, 0, 0, 0]
      for (const { replica, keeps, wanted, spare } of steps) {
        const others = leases.reduce((sum, lease, holder) => (holder === replica ? sum : sum + lease), 0)
        leases[replica] = grantedFor({ base: Math.floor((leases[replica] ?? 0) * keeps), wanted, spare, used, others })
        const all = leases.reduce((sum, lease) => sum + lease, 0)
        assert.ok(all <= Math.max(0, 1000 - used), `${all} are leased and ${1000 - used} are left`)
      }
    }),
    rounds(),
  )
})
