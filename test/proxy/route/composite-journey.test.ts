import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '../../../proxy/domain/channel.ts'
import type { Failure } from '../../../proxy/route/failure.ts'
import { aChannel, inList } from '../../support/a-channel.ts'
import { aRouter, upstreams, wayOf } from '../../support/journeys.ts'

const network: Failure = { kind: 'network' }
const three = inList(aChannel('a'), aChannel('b'), aChannel('c'))

type Row = readonly [channels: readonly Channel[], failures: Readonly<Record<string, Failure>>, way: string]

const opus = (model: string | null, ...targets: readonly string[]): Partial<Channel> => ({
  serviceType: 'composite',
  keys: [],
  compositeMappings: [{ pattern: 'opus', targets, model }],
})
const composed = inList(
  aChannel('mix', opus('gpt-5', 'x', 'y')),
  aChannel('other'),
  aChannel('x', { pool: 'responses', models: ['gpt-*'] }),
  aChannel('y', { pool: 'chat', modelMapping: { 'gpt-5': 'gpt-5-mini' } }),
)

test('a composite sends on to its targets in their order, each with its own names of models', () => {
  const seen: unknown[] = []
  const call = aRouter(composed).call({ model: 'claude-opus-5(low)' })
  wayOf(call, ({ channel, via, model, effort }) => {
    seen.push([channel.id, via?.id, model, effort])
    return channel.id === 'x' ? network : 'ok'
  })
  assert.deepEqual(seen, [
    ['x', 'mix', 'gpt-5', 'low'],
    ['y', 'mix', 'gpt-5-mini', 'low'],
  ])
})

const compositeWays: Readonly<Record<string, Row>> = {
  'ends with the last target of a composite': [composed, { x: network, y: network }, 'x-1 y-1 composite_exhausted'],
  'ends with a composite that has no mapping for it': [
    inList(
      aChannel('mix', { ...opus(null, 'x'), compositeMappings: [{ pattern: 'haiku', targets: ['x'], model: null }] }),
      aChannel('x'),
    ),
    {},
    'composite_unmatched',
  ],
  'ends with a composite whose targets are gone': [
    inList(aChannel('mix', opus(null, 'gone')), aChannel('other')),
    {},
    'composite_exhausted',
  ],
  'passes a target that is disabled': [
    composed.map((channel) => (channel.id === 'x' ? { ...channel, status: 'disabled' } : channel)),
    {},
    'y-1 answer',
  ],
  'reaches a composite behind other channels, and tries nothing twice': [
    inList(aChannel('x'), aChannel('mix', opus(null, 'x', 'y')), aChannel('y', { pool: 'chat' })),
    { x: network, y: network },
    'x-1 y-1 composite_exhausted',
  ],
}

for (const [what, [channels, failures, way]] of Object.entries(compositeWays)) {
  test(`a call ${what}`, () => assert.equal(wayOf(aRouter(channels).call(), upstreams(failures)), way))
}

test('a call stays with its composite, whoever’s turn it is', () => {
  const router = aRouter(composed, { strategies: { messages: 'round-robin' } })
  assert.equal(wayOf(router.call(), upstreams({ x: network, y: network })), 'x-1 y-1 composite_exhausted')
})

test('a call without a model has no place in a composite', () => {
  assert.equal(wayOf(aRouter(composed).call({ model: undefined }), upstreams({})), 'composite_unmatched')
})

test('a key that may use a composite may use its targets through it', () => {
  assert.equal(wayOf(aRouter(composed).call({ allowedChannels: ['mix'] }), upstreams({ x: network })), 'x-1 y-1 answer')
})

test('a conversation goes where it was answered, and through the composite that it came by', () => {
  const router = aRouter(three)
  const call = (): string => wayOf(router.call({ conversation: 'talk' }), upstreams({}))
  assert.equal(wayOf(router.call({ conversation: 'talk' }), upstreams({ a: network })), 'a-1 b-1 answer')
  assert.equal(call(), 'b-1 answer')
  assert.equal(wayOf(router.call({ conversation: 'other talk' }), upstreams({})), 'a-1 answer')

  const mixed = aRouter(
    inList(
      aChannel('a'),
      aChannel('mix', opus(null, 'x', 'y')),
      aChannel('x', { pool: 'chat' }),
      aChannel('y', { pool: 'chat' }),
    ),
  )
  assert.equal(wayOf(mixed.call({ conversation: 'talk' }), upstreams({ a: network, x: network })), 'a-1 x-1 y-1 answer')
  assert.equal(wayOf(mixed.call({ conversation: 'talk' }), upstreams({})), 'x-1 answer')
})
