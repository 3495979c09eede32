import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import { type Admission, createLimiter } from '../../../proxy/limit/limiter.ts'
import { aKey } from '../../support/a-key.ts'
import { admit, spent } from '../../support/limiter.ts'
import { rounds } from '../../support/rounds.ts'

const MINUTE = 60_000
const NOON = Date.UTC(2030, 0, 1, 12)

/** Everything that waits for a promise that is settled has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What happens next: a call asks, or the one that was let in first, second, … of those in flight ends. */
const happenings = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('call' as const),
      bytes: fc.nat(50),
      maxTokens: fc.integer({ min: 1, max: 400 }),
      used: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ kind: fc.constant('end' as const), which: fc.nat(20) }),
  ),
  { minLength: 1, maxLength: 60 },
)

test('calls side by side, each within its max_tokens, spend at most the limit and one call', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await fc.assert(
    fc.asyncProperty(happenings, fc.integer({ min: 1, max: 1500 }), async (all, limit) => {
      const limiter = createLimiter({ waitMs: MINUTE, now: () => NOON, leases: undefined, defaultRpm: () => null })
      const key = aKey({ tokenLimit: limit })
      const inFlight: { readonly admission: Admission; readonly spend: number }[] = []
      const waiting = new Set<Promise<void>>()
      let granted = 0
      let largest = 0
      const end = async (index: number): Promise<void> => {
        const [call] = inFlight.splice(index, 1)
        if (!call) return
        granted += call.spend
        call.admission.settle(spent(call.spend, undefined))
        await settled()
      }
      for (const happening of all) {
        if (happening.kind === 'end') await end(happening.which % Math.max(1, inFlight.length))
        else {
          const { bytes, maxTokens, used } = happening
          const spend = Math.round((bytes + maxTokens) * used)
          const asked: Promise<void> = admit(limiter, key, bytes, maxTokens).then(
            (admission) => {
              largest = Math.max(largest, spend)
              inFlight.push({ admission, spend })
            },
            (error: unknown) => assert.ok(error instanceof GatewayError && error.code === 'window_exhausted'),
          )
          waiting.add(asked)
          void asked.then(() => waiting.delete(asked))
          await settled()
        }
      }
      while (inFlight.length > 0) await end(0)
      assert.ok(granted < limit + Math.max(1, largest), `${granted} of ${limit}, and the largest call was ${largest}`)
      assert.equal(waiting.size, 0, 'nobody waits when nothing is in flight')
    }),
    rounds(100),
  )
})

test('calls that wait are let in in the order in which they came', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.integer({ min: 1, max: 4 }), async (calls, sideBySide) => {
      const limiter = createLimiter({ waitMs: MINUTE, now: () => NOON, leases: undefined, defaultRpm: () => null })
      const key = aKey({ tokenLimit: sideBySide * 100 })
      const letIn: number[] = []
      const inFlight: Admission[] = []
      const all = Array.from({ length: calls }, async (_, index) => {
        inFlight.push(await admit(limiter, key, 50, 50))
        letIn.push(index)
      })
      await settled()
      assert.equal(letIn.length, Math.min(calls, sideBySide))
      while (inFlight.length > 0) {
        inFlight.shift()?.settle(spent(0, undefined))
        await settled()
      }
      await Promise.all(all)
      assert.deepEqual(
        letIn,
        Array.from({ length: calls }, (_, index) => index),
      )
    }),
    rounds(50),
  )
})
