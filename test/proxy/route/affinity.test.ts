import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAffinity } from '../../../proxy/route/affinity.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const MINUTES_30 = 30 * 60_000

test('a conversation goes where it was answered last', () => {
  const affinity = createAffinity()
  affinity.answered('talk', 'one', NOON)
  affinity.answered('other', 'three', NOON)
  affinity.answered('talk', 'two', NOON)
  assert.equal(affinity.channelOf('talk', NOON), 'two')
  assert.equal(affinity.channelOf('unheard of', NOON), undefined)
})

test('a conversation is forgotten half an hour after its last answer', () => {
  const affinity = createAffinity()
  affinity.answered('talk', 'one', NOON - 60_000)
  affinity.answered('talk', 'one', NOON)
  assert.equal(affinity.channelOf('talk', NOON + MINUTES_30 - 1), 'one')
  assert.equal(affinity.channelOf('talk', NOON + MINUTES_30), undefined)
})

test('of ten thousand and one conversations the one that was answered longest ago is forgotten', () => {
  const affinity = createAffinity()
  for (let index = 0; index < 10_000; index += 1) affinity.answered(`talk ${index}`, 'one', NOON)
  affinity.answered('talk 0', 'two', NOON)
  affinity.answered('new', 'one', NOON)
  assert.equal(affinity.channelOf('talk 1', NOON), undefined)
  assert.equal(affinity.channelOf('talk 0', NOON), 'two')
  assert.equal(affinity.channelOf('talk 2', NOON), 'one')
  assert.equal(affinity.channelOf('new', NOON), 'one')
})

test('a conversation whose name is no name is not kept', () => {
  const affinity = createAffinity()
  const name = 'x'.repeat(513)
  affinity.answered(name, 'one', NOON)
  assert.equal(affinity.channelOf(name, NOON), undefined)
})
