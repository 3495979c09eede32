import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Balance, Channel } from '../../../proxy/domain/channel.ts'
import { createUpstreamKeys, type UpstreamKeys } from '../../../proxy/route/upstream-keys.ts'
import { aChannel } from '../../support/a-channel.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const MINUTE = 60_000
const ONE = { id: 'k1', secret: 'sk-1' }
const TWO = { id: 'k2', secret: 'sk-2' }
const THREE = { id: 'k3', secret: 'sk-3' }
const channel = aChannel('channel', { keys: [ONE, TWO, THREE] })
const FAILED = { isSpent: false, minMs: 0 }
const SPENT = { isSpent: true, minMs: 0 }

/** What `first` answers so many times. */
function picks(keys: UpstreamKeys, balance: Balance, times: number, of: Channel = channel, now = NOON): string {
  return Array.from({ length: times }, () => keys.first(of, balance, now)?.id).join(' ')
}

const balances: readonly (readonly [balance: Balance, random: number, picked: string])[] = [
  ['failover', 0.99, 'k1 k1 k1 k1'],
  ['round-robin', 0.99, 'k1 k2 k3 k1'],
  ['random', 0.5, 'k2 k2 k2 k2'],
  ['random', 0.999, 'k3 k3 k3 k3'],
]

for (const [balance, random, picked] of balances) {
  test(`calls of a channel with the balance ${balance} go with ${picked}`, () => {
    assert.equal(
      picks(
        createUpstreamKeys(() => random),
        balance,
        4,
      ),
      picked,
    )
  })
}

test('a channel without keys has none to go with', () => {
  assert.equal(picks(createUpstreamKeys(Math.random), 'random', 1, aChannel('other', { keys: [] })), '')
})

for (const balance of ['failover', 'round-robin', 'random'] as const) {
  test(`with the balance ${balance} a key that failed rests for five minutes`, () => {
    const keys = createUpstreamKeys(() => 0)
    keys.failed(channel, ONE, FAILED, NOON)
    assert.notEqual(keys.first(channel, balance, NOON + 5 * MINUTE - 1)?.id, 'k1')
    assert.ok(!keys.isReady(channel, ONE, NOON + 5 * MINUTE - 1))
    assert.ok(keys.isReady(channel, ONE, NOON + 5 * MINUTE))
  })
}

test('in turn, a key that rests is passed over', () => {
  const keys = createUpstreamKeys(() => 0)
  keys.failed(channel, TWO, FAILED, NOON)
  assert.equal(picks(keys, 'round-robin', 4), 'k1 k3 k1 k3')
})

test('a key that failed more than three times in a row rests for ten minutes', () => {
  const keys = createUpstreamKeys(() => 0)
  const rest = (at: number): number => {
    keys.failed(channel, ONE, FAILED, at)
    return [5, 10].find((minutes) => keys.isReady(channel, ONE, at + minutes * MINUTE)) ?? Infinity
  }
  const times = [0, 1, 2, 3, 4].map((hour) => NOON + hour * 60 * MINUTE)
  assert.deepEqual(times.map(rest), [5, 5, 5, 10, 10])
  keys.succeeded(channel, ONE)
  assert.ok(keys.isReady(channel, ONE, NOON))
  assert.equal(rest(NOON), 5, 'in a row, and not ever')
})

test('a key rests as long as its upstream wants, if that is longer', () => {
  const keys = createUpstreamKeys(() => 0)
  keys.failed(channel, ONE, { isSpent: false, minMs: 20 * MINUTE }, NOON)
  assert.ok(!keys.isReady(channel, ONE, NOON + 20 * MINUTE - 1))
  assert.ok(keys.isReady(channel, ONE, NOON + 20 * MINUTE))
})

test('when all keys rest, the one that failed longest ago is tried', () => {
  const keys = createUpstreamKeys(() => 0)
  keys.failed(channel, TWO, FAILED, NOON)
  keys.failed(channel, ONE, FAILED, NOON + 1)
  keys.failed(channel, THREE, FAILED, NOON + 2)
  for (const balance of ['failover', 'round-robin', 'random'] as const) {
    assert.equal(keys.first(channel, balance, NOON + 3)?.id, 'k2')
  }
})

test('another key is one that is ready and was not tried', () => {
  const keys = createUpstreamKeys(() => 0)
  const another = (...tried: readonly string[]): string | undefined =>
    keys.another(channel, 'failover', new Set(tried), NOON)?.id
  assert.equal(another('k1'), 'k2')
  keys.failed(channel, TWO, FAILED, NOON)
  assert.equal(another('k1'), 'k3')
  assert.equal(another('k1', 'k3'), undefined, 'a key that rests is no other one')
})

test('a key whose account has nothing left goes behind the others once another one works', () => {
  const keys = createUpstreamKeys(() => 0)
  const later = NOON + 60 * MINUTE
  keys.failed(channel, ONE, SPENT, NOON)
  assert.equal(picks(keys, 'failover', 1, channel, later), 'k1', 'none has shown that it works')
  keys.succeeded(channel, TWO)
  assert.equal(picks(keys, 'failover', 1, channel, later), 'k2')

  keys.failed(channel, TWO, SPENT, later)
  keys.succeeded(channel, ONE)
  const muchLater = later + 60 * MINUTE
  assert.equal(picks(keys, 'failover', 1, channel, muchLater), 'k3')
  const tried = new Set(['k3'])
  assert.equal(keys.another(channel, 'failover', tried, muchLater)?.id, 'k1', 'it went there first')
})

test('of two keys behind the others the one that was spent again is the last', () => {
  const keys = createUpstreamKeys(() => 0)
  keys.failed(channel, ONE, SPENT, NOON)
  keys.failed(channel, TWO, SPENT, NOON)
  keys.succeeded(channel, THREE)
  keys.failed(channel, ONE, SPENT, NOON + 10 * MINUTE)
  keys.succeeded(channel, THREE)
  keys.succeeded(channel, THREE)
  const tried = new Set(['k3'])
  assert.equal(keys.another(channel, 'failover', tried, NOON + 60 * MINUTE)?.id, 'k2')
})

test('a channel that was gone begins with its first key again', () => {
  const keys = createUpstreamKeys(() => 0)
  assert.equal(picks(keys, 'round-robin', 1), 'k1')
  keys.load([channel])
  assert.equal(picks(keys, 'round-robin', 1), 'k2')
  keys.load([])
  assert.equal(picks(keys, 'round-robin', 1), 'k1')
})

test('a key that failed in another way keeps its place', () => {
  const keys = createUpstreamKeys(() => 0)
  keys.failed(channel, ONE, FAILED, NOON)
  keys.succeeded(channel, TWO)
  assert.equal(picks(keys, 'failover', 1, channel, NOON + 60 * MINUTE), 'k1')
})

test('a channel is spent when each of its keys is', () => {
  const keys = createUpstreamKeys(() => 0)
  keys.failed(channel, ONE, SPENT, NOON)
  keys.failed(channel, TWO, SPENT, NOON)
  keys.failed(channel, THREE, FAILED, NOON)
  assert.ok(!keys.isSpent(channel, NOON))
  keys.failed(channel, THREE, SPENT, NOON)
  assert.ok(keys.isSpent(channel, NOON))
  assert.ok(!keys.isSpent(channel, NOON + 5 * MINUTE), 'they have rested')
  assert.ok(keys.isSpent(aChannel('without', { keys: [] }), NOON))
})

test('what is known of a key is forgotten with it, and kept with those that stay', () => {
  const keys = createUpstreamKeys(() => 0)
  keys.failed(channel, ONE, SPENT, NOON)
  keys.failed(channel, TWO, SPENT, NOON)
  keys.succeeded(channel, THREE)
  keys.load([{ ...channel, keys: [TWO, THREE] }])
  keys.load([channel])
  assert.ok(keys.isReady(channel, ONE, NOON))
  assert.ok(!keys.isReady(channel, TWO, NOON))
  assert.equal(picks(keys, 'failover', 1, channel, NOON + 60 * MINUTE), 'k1', 'it is behind no other')
  keys.load([])
  assert.ok(keys.isReady(channel, TWO, NOON))
})

test('keys of the same id in two channels are two keys', () => {
  const keys = createUpstreamKeys(() => 0)
  const other = aChannel('other', { keys: [ONE] })
  keys.failed(channel, ONE, FAILED, NOON)
  assert.ok(keys.isReady(other, ONE, NOON))
})
