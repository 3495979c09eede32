import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '../../../proxy/domain/channel.ts'
import { preview } from '../../../proxy/route/preview.ts'
import { aChannel, inList } from '../../support/a-channel.ts'
import { LATER, NOON } from '../../support/journeys.ts'

type Asked = Partial<Parameters<typeof preview>[0]>
type Row = readonly [channels: readonly Channel[], asked: Asked, found: string]

const mix = aChannel('mix', {
  serviceType: 'composite',
  keys: [],
  compositeMappings: [
    { pattern: 'opus', targets: ['x', 'y'], model: 'gpt-5' },
    { pattern: 'haiku', targets: ['off'], model: null },
  ],
})
const targets = [
  aChannel('x', { pool: 'chat', serviceType: 'openai_chat', modelMapping: { 'gpt-5': 'gpt-5-mini(high)' } }),
  aChannel('y', { pool: 'chat', serviceType: 'openai_chat' }),
  aChannel('off', { pool: 'chat', serviceType: 'openai_chat', status: 'disabled' }),
]
const composed = inList(mix, ...targets)
const two = inList(aChannel('a', { modelMapping: { opus: 'claude-opus-5' } }), aChannel('b', { models: ['sonnet*'] }))
const changed = (id: string, said: Partial<Channel>): readonly Channel[] =>
  two.map((channel) => (channel.id === id ? { ...channel, ...said } : channel))

const paused = 'Nothing here can take a call now: it is paused, suspended, faulty, or without a key.'
const rows: Readonly<Record<string, Row>> = {
  'the first, by its own name of the model': [two, {}, 'a claude-opus-5'],
  'the effort that the caller names': [two, { model: 'opus(low)' }, 'a claude-opus-5 low'],
  'the one that is promoted': [changed('b', { promotionUntil: LATER }), { model: 'sonnet-5' }, 'b sonnet-5'],
  'the one that has the model': [changed('a', { models: ['opus*'] }), { model: 'sonnet-5' }, 'b sonnet-5'],
  'the one that is asked about': [two, { model: 'sonnet-5', only: 'b' }, 'b sonnet-5'],
  'none, where it is asked about one that has not the model': [
    two,
    { only: 'b' },
    'This model is not among those that are served here.',
  ],
  'the next, where the first is paused': [changed('a', { status: 'suspended' }), { model: 'sonnet-5' }, 'b sonnet-5'],
  'the next, where the first is suspended': [
    two,
    { model: 'sonnet-5', suspensions: [{ channelId: 'a', until: LATER, reason: '429' }] },
    'b sonnet-5',
  ],
  'the first, where its suspension is over': [
    two,
    { suspensions: [{ channelId: 'a', until: NOON, reason: '429' }] },
    'a claude-opus-5',
  ],
  'none without a key': [changed('a', { keys: [] }), {}, paused],
  'none with a fault': [changed('a', { fault: 'it cannot be decrypted' }), {}, paused],
  'none of a type that is not served': [changed('a', { serviceType: 'gemini' }), {}, paused],
  'none of a pool that is empty': [two, { pool: 'responses' }, paused],
  'the first target of a composite, by the names of both': [
    composed,
    { model: 'claude-opus(low)' },
    'x gpt-5-mini low',
  ],
  'the next target, where the first is suspended': [
    composed,
    { model: 'claude-opus', suspensions: [{ channelId: 'x', until: LATER, reason: '429' }] },
    'y gpt-5',
  ],
  'none, where no target of the composite is in service': [
    composed,
    { model: 'haiku' },
    'No target that the composite has for this model can take a call now.',
  ],
  'none, where the composite has no mapping': [
    composed,
    { model: 'sonnet' },
    'The composite has no mapping for this model.',
  ],
}

for (const [what, [channels, asked, expected]] of Object.entries(rows)) {
  test(`a call would go to ${what}`, () => {
    const found = preview({ channels, suspensions: [], pool: 'messages', model: 'opus', ...asked }, NOON)
    const way =
      found.kind === 'none' ? found.message : [found.channel.id, found.model, found.effort ?? []].flat().join(' ')
    assert.equal(way, expected)
  })
}
