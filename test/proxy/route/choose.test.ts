import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '../../../proxy/domain/channel.ts'
import { allowanceOf } from '../../../proxy/route/allowance.ts'
import { createBreaker } from '../../../proxy/route/breaker.ts'
import { type Candidate, type ChannelIndex, indexChannels } from '../../../proxy/route/candidates.ts'
import { choose, chooseTarget, type Selection, type Standing, whyNone } from '../../../proxy/route/choose.ts'
import { aChannel, inList } from '../../support/a-channel.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const SOON = NOON + 60_000

/** What is not said: a call for `claude-opus-5`, on channels that are well. */
interface Said extends Partial<Pick<Selection, 'strategy' | 'random'>> {
  readonly model?: string | undefined
  readonly affinity?: string
  readonly lastTurn?: string
  readonly standings?: Readonly<Record<string, Standing>>
  readonly failed?: Readonly<Record<string, number>>
  readonly allowed?: readonly string[]
  readonly tried?: readonly string[]
}

/** Of each channel so many calls of ten failed. */
function indexOf(channels: readonly Channel[], failed: Readonly<Record<string, number>> = {}): ChannelIndex {
  return indexChannels(channels, (id) => {
    const breaker = createBreaker()
    for (let call = 0; call < 10; call += 1) breaker.ended(call >= (failed[id] ?? 0), NOON)
    return breaker
  })
}

function chosen(channels: readonly Channel[], said: Said = {}): string {
  const { standings = {}, affinity = '', lastTurn = '', strategy = 'failover', random = () => 0.5 } = said
  const model = 'model' in said ? said.model : 'claude-opus-5'
  const { byId, pools, lineFor } = indexOf(channels, said.failed)
  const allows = allowanceOf(said.allowed ?? null)
  const choice = choose({
    line: lineFor({ pool: 'messages', model, isTranslated: true }),
    allows,
    tried: new Set(said.tried),
    familiar: byId.get(affinity),
    strategy,
    lastTurn: byId.get(lastTurn),
    standingOf: ({ channel }) => standings[channel.id] ?? 'well',
    now: NOON,
    random,
  })
  return choice?.channel.id ?? `(${whyNone(pools.get('messages') ?? [], model, allows)})`
}

const three = inList(aChannel('a'), aChannel('b'), aChannel('c'))
const promoted = inList(
  aChannel('a'),
  aChannel('b', { promotionUntil: SOON }),
  aChannel('c', { promotionUntil: SOON }),
  aChannel('d', { promotionUntil: NOON }),
)
const models = inList(
  aChannel('gpt', { models: ['gpt-*'] }),
  aChannel('claude', { models: ['claude-*'] }),
  aChannel('any'),
)

const choices: Readonly<Record<string, readonly [channels: readonly Channel[], said: Said, chosen: string]>> = {
  'the first of the list': [three, {}, 'a'],
  'the first that was not tried': [three, { tried: ['a'] }, 'b'],
  'the first that the key may use': [three, { allowed: ['c', 'b'] }, 'b'],
  'the first that serves the model': [models, {}, 'claude'],
  'any where no model is named': [models, { model: undefined }, 'gpt'],
  'the first that may be used now': [three, { standings: { a: 'closed' } }, 'b'],
  'the first that is well': [three, { standings: { a: 'ill' } }, 'b'],

  'the smallest priority': [inList(aChannel('a', { priority: 5 }), aChannel('b', { priority: 4 })), {}, 'b'],
  'its place in the list where no priority is said': [
    inList(aChannel('a', { priority: 3 }), aChannel('b'), aChannel('c', { priority: 1 })),
    {},
    'c',
  ],
  'the place in the list of two with one priority': [
    inList(aChannel('a', { priority: 2 }), aChannel('b')).toReversed(),
    {},
    'a',
  ],

  'the promoted one': [promoted, {}, 'b'],
  'the promoted one rather than the one that knows the conversation': [promoted, { affinity: 'a' }, 'b'],
  'the promoted one that was not tried': [promoted, { tried: ['b'] }, 'c'],
  'no promoted one that is ill': [promoted, { standings: { b: 'ill', c: 'ill' } }, 'a'],
  'no promoted one that the key may not use': [promoted, { allowed: ['a', 'd'] }, 'a'],
  'no promotion that is over': [promoted, { tried: ['a', 'b', 'c'] }, 'd'],

  'the one that knows the conversation': [three, { affinity: 'c' }, 'c'],
  'no familiar one that is ill': [three, { affinity: 'c', standings: { c: 'ill' } }, 'a'],
  'no familiar one that was tried': [three, { affinity: 'c', tried: ['c'] }, 'a'],
  'no familiar one that the key may not use': [three, { affinity: 'c', allowed: ['a'] }, 'a'],
  'no familiar one that is gone': [three, { affinity: 'z' }, 'a'],

  'the first at first, in turn': [three, { strategy: 'round-robin' }, 'a'],
  'the next one in turn': [three, { strategy: 'round-robin', lastTurn: 'a' }, 'b'],
  'the first again in turn': [three, { strategy: 'round-robin', lastTurn: 'c' }, 'a'],
  'in turn, not one that is ill': [three, { strategy: 'round-robin', lastTurn: 'a', standings: { b: 'ill' } }, 'c'],
  'in turn, whether or not the last one may be used': [
    three,
    { strategy: 'round-robin', lastTurn: 'b', allowed: ['a', 'c'] },
    'c',
  ],
  'in turn, from the first where the last one is gone': [three, { strategy: 'round-robin', lastTurn: 'z' }, 'a'],

  'of ill ones the one that failed least': [
    three,
    { standings: { a: 'ill', b: 'ill', c: 'closed' }, failed: { a: 9, b: 6, c: 0 } },
    'b',
  ],
  'of ill ones that failed alike the first': [
    three,
    { standings: { a: 'ill', b: 'ill', c: 'ill' }, failed: { a: 6, b: 6, c: 6 } },
    'a',
  ],
  'an ill one only where none is well': [
    three,
    { standings: { a: 'ill', b: 'ill' }, failed: { a: 5, b: 5, c: 10 } },
    'c',
  ],

  'nothing where there are no channels': [[], {}, '(none)'],
  'nothing that the key may not use': [three, { allowed: [] }, '(none_allowed)'],
  'nothing of another pool': [[aChannel('a', { pool: 'chat' })], {}, '(none)'],
  'nothing that serves no such model': [models, { allowed: ['gpt'] }, '(none_for_model)'],
  'nothing that may not be used': [three, { standings: { a: 'closed', b: 'closed', c: 'closed' } }, '(none)'],
  'nothing when all were tried': [three, { tried: ['a', 'b', 'c'] }, '(none)'],
}

for (const [what, [channels, said, id]] of Object.entries(choices)) {
  test(`a call gets ${what}`, () => assert.equal(chosen(channels, said), id))
}

const unusable: Readonly<Record<string, Partial<Channel>>> = {
  'is suspended': { status: 'suspended' },
  'is disabled': { status: 'disabled' },
  'has a fault': { fault: 'its secrets cannot be decrypted' },
  'has no key': { keys: [] },
  'is a composite without mappings': { serviceType: 'composite', compositeMappings: [] },
}

for (const [what, said] of Object.entries(unusable)) {
  test(`a channel that ${what} is never chosen, not even when no other is well`, () => {
    const channels = inList(aChannel('a', { promotionUntil: SOON, ...said }), aChannel('b'))
    assert.equal(chosen(channels, { affinity: 'a' }), 'b')
    assert.equal(chosen(channels, { standings: { a: 'ill', b: 'ill' }, failed: { b: 10 } }), 'b')
    assert.equal(chosen(channels.slice(0, 1)), '(none)')
  })
}

test('a channel with an OAuth account needs no key', () => {
  const oauth = {
    tokenUrl: 'https://auth.example.com/token',
    clientId: 'client',
    clientSecret: null,
    scope: null,
    refreshToken: 'refresh',
    accessToken: null,
    expiresAt: null,
  }
  assert.equal(chosen([aChannel('a', { keys: [], oauth })]), 'a')
})

test('a composite needs no key', () => {
  const compositeMappings = [{ pattern: 'opus', targets: ['b'], model: null }]
  assert.equal(chosen([aChannel('a', { keys: [], serviceType: 'composite', compositeMappings })]), 'a')
})

test('at random each channel that is well is chosen equally often, whoever is not', () => {
  const channels = inList(...['a', 'b', 'c', 'd', 'e'].map((id) => aChannel(id)))
  const counts = new Map<string, number>()
  for (let round = 0; round < 60; round += 1) {
    // A draw of five, of four and of three: each of the 60 ways once.
    const draws = [((round % 5) + 0.5) / 5, ((Math.floor(round / 5) % 4) + 0.5) / 4, (Math.floor(round / 20) + 0.5) / 3]
    const said = {
      strategy: 'random',
      standings: { b: 'ill' },
      tried: ['d'],
      random: () => draws.shift() ?? 0,
    } as const
    const id = chosen(channels, said)
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(counts), { a: 20, c: 20, e: 20 })
})

test('at random an ill channel is chosen only where none is well', () => {
  const standings = { a: 'ill', b: 'closed', c: 'ill' } as const
  assert.equal(chosen(three, { strategy: 'random', standings, failed: { a: 7, c: 6 } }), 'c')
})

const targets = indexOf(three, { a: 8, b: 6, c: 7 })
const targetRows: Readonly<Record<string, readonly [said: Said, chosen: string | undefined]>> = {
  'the first of its list': [{}, 'c'],
  'the next that was not tried': [{ tried: ['c'] }, 'a'],
  'the next that is well': [{ standings: { c: 'ill', a: 'closed' } }, 'b'],
  'the one that failed least where none is well': [{ standings: { c: 'ill', a: 'ill', b: 'ill' } }, 'b'],
  'none that is closed': [{ standings: { c: 'closed', a: 'closed', b: 'closed' } }, undefined],
  'none that was tried': [{ tried: ['a', 'b', 'c'] }, undefined],
}

for (const [what, [{ standings = {}, tried = [] }, id]] of Object.entries(targetRows)) {
  test(`a composite sends on to ${what}`, () => {
    const inOrder = ['c', 'a', 'b'].map((name) => targets.byId.get(name) ?? assert.fail())
    const selection = {
      tried: new Set(tried),
      standingOf: ({ channel }: Candidate): Standing => standings[channel.id] ?? 'well',
    }
    assert.equal(chooseTarget(inOrder, selection)?.channel.id, id)
  })
}
