import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBreaker } from '../../../proxy/route/breaker.ts'
import { indexChannels, type Line } from '../../../proxy/route/candidates.ts'
import { aChannel, inList } from '../../support/a-channel.ts'

const idsOf = ({ candidates }: Line): readonly string[] => candidates.map(({ channel }) => channel.id)
const channels = inList(
  aChannel('claude', { models: ['claude-*'], promotionUntil: 1 }),
  aChannel('chat', { serviceType: 'openai_chat' }),
  aChannel('composite', {
    serviceType: 'composite',
    keys: [],
    compositeMappings: [{ pattern: 'o', targets: ['claude'], model: null }],
  }),
  aChannel('brave', { serviceType: 'brave' }),
  aChannel('disabled', { status: 'disabled' }),
)
const { lineFor } = indexChannels(channels, createBreaker)
const claude = { pool: 'messages', model: 'claude-opus-5', isTranslated: true } as const

test('a line is of the channels that can serve the model at all, in their order', () => {
  assert.deepEqual(idsOf(lineFor(claude)), ['claude', 'chat', 'composite'])
  assert.deepEqual(idsOf(lineFor({ ...claude, model: 'gpt-5' })), ['chat', 'composite'])
  assert.deepEqual(idsOf(lineFor({ ...claude, model: undefined })), ['claude', 'chat', 'composite'])
  assert.deepEqual(idsOf(lineFor({ ...claude, model: '' })), ['chat', 'composite'])
  assert.deepEqual(idsOf(lineFor({ ...claude, pool: 'chat' })), [])
})

test('what is not translated goes only to channels that speak the format of their pool', () => {
  assert.deepEqual(idsOf(lineFor({ ...claude, isTranslated: false })), ['claude'])
})

test('a line knows the channels that were promoted', () => {
  assert.deepEqual(
    lineFor(claude).promoted.map(({ channel }) => channel.id),
    ['claude'],
  )
  assert.deepEqual(lineFor({ ...claude, model: 'gpt-5' }).promoted, [])
})

test('a line is kept for the next call, unless callers have named hundreds of models since, or one too long to be one', () => {
  const line = lineFor(claude)
  assert.equal(lineFor({ ...claude }), line)
  const long = { ...claude, model: 'c'.repeat(513) }
  assert.notEqual(lineFor(long), lineFor(long))
  for (let nth = 0; nth < 500; nth += 1) lineFor({ ...claude, model: `made-up-${nth}` })
  assert.notEqual(lineFor(claude), line)
  assert.deepEqual(lineFor(claude), line)
})
