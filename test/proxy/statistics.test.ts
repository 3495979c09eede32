import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyUsage } from '../../proxy/domain/key.ts'
import { createStatistics } from '../../proxy/statistics.ts'
import { aKey } from '../support/a-key.ts'

const NOON = Date.UTC(2030, 0, 1, 12)

function usage(amount: number): KeyUsage {
  return { lifetimeTokens: amount, lastUsedAt: null, minutes: [{ start: NOON, amount }] }
}

/** Statistics whose store says one token more each time. */
function statistics(read?: (id: string) => Promise<KeyUsage | undefined>) {
  const asked: string[] = []
  let now = NOON
  const count = async (id: string): Promise<KeyUsage | undefined> => usage(asked.push(id))
  const of = createStatistics({ known: () => usage(7), read: read ?? count, now: () => now })
  return {
    asked,
    used: async (id = 'key') => (await of(aKey({ id }))).usedTokens,
    later: (ms: number) => void (now += ms),
  }
}

test('what the store says is told for a second, and then asked for again', async () => {
  const { asked, used, later } = statistics()
  assert.deepEqual(await Promise.all([used(), used()]), [1, 1])
  later(999)
  assert.equal(await used(), 1)
  later(1)
  assert.equal(await used(), 2)
  assert.equal(asked.length, 2)
})

test('each key is asked for by itself', async () => {
  const { asked, used } = statistics()
  await used('one')
  await used('two')
  assert.deepEqual(asked, ['one', 'two'])
})

test('of very many keys those that were asked for last are remembered', async () => {
  const { asked, used } = statistics()
  for (let key = 0; key <= 1000; key++) await used(String(key))
  await used('1000')
  assert.equal(asked.length, 1001)
  await used('0')
  assert.equal(asked.length, 1002)
})

test('while the store is away, what this process knows is told', async () => {
  const { used } = statistics(() => Promise.reject(new Error('away')))
  assert.equal(await used(), 7)
})

test('a process that alone has the truth asks nobody', async () => {
  const of = createStatistics({ known: () => usage(7), read: undefined, now: () => NOON })
  assert.equal((await of(aKey({}))).usedTokens, 7)
})
