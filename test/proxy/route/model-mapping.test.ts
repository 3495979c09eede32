import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapModel } from '../../../proxy/route/model-mapping.ts'

type Mapping = Readonly<Record<string, string>>
type Row = readonly [asked: string, mapping: Mapping, model: string, effort?: string]

const rows: Readonly<Record<string, Row>> = {
  'nothing said': ['claude-opus-5', {}, 'claude-opus-5'],
  'nothing said of a name with an effort': ['gpt-5(high)', {}, 'gpt-5', 'high'],
  'an exact name': ['opus', { opus: 'glm-4.7' }, 'glm-4.7'],
  'an exact name before a longer part': ['opus', { 'claude-opus': 'a', opus: 'b' }, 'b'],
  'an exact name with its effort': ['gpt-5(high)', { 'gpt-5(high)': 'o3', 'gpt-5': 'o1' }, 'o3'],
  'a target with an effort': ['opus', { opus: 'gpt-5(xhigh)' }, 'gpt-5', 'xhigh'],
  'a base name, the effort kept': ['opus(low)', { opus: 'gpt-5' }, 'gpt-5', 'low'],
  'a base name, another suffix kept': ['opus(thinking)', { opus: 'gpt-5' }, 'gpt-5(thinking)'],
  'the caller’s effort before the mapping’s': ['opus(low)', { opus: 'gpt-5(high)' }, 'gpt-5', 'low'],
  'a part of the name': ['claude-opus-5', { opus: 'glm-4.7' }, 'glm-4.7'],
  'a part of the name with an effort': ['claude-opus-5(high)', { opus: 'glm-4.7' }, 'glm-4.7', 'high'],
  'a name that the asked one is part of': ['opus', { 'claude-opus-5': 'glm-4.7' }, 'glm-4.7'],
  'the longest of several': ['claude-opus-5', { opus: 'short', 'claude-opus': 'long', claude: 'mid' }, 'long'],
  'the longest, whichever contains the other': ['opus', { op: 'short', 'claude-opus-5': 'long' }, 'long'],
  'the first in order of those equally long': ['xbay', { bay: 'second', xba: 'third', ay: 'short' }, 'second'],
  'a name that objects have anyway': ['constructor', {}, 'constructor'],
  'no name': ['', { opus: 'glm' }, ''],
  'a mapping of no name': ['opus', { '': 'glm' }, 'opus'],
}

for (const [what, [asked, mapping, model, effort]] of Object.entries(rows)) {
  test(`a model is mapped by ${what}`, () => {
    assert.deepEqual(mapModel(asked, mapping), { model, effort })
  })
}

test('a mapping does not depend on the order in which it was written', () => {
  const sources = ['claude-opus', 'opus-5', 'aude-opus-5', 'claude-opus5', 'laude-opus-']
  const there = Object.fromEntries(sources.map((source) => [source, source]))
  const back = Object.fromEntries(sources.toReversed().map((source) => [source, source]))
  assert.deepEqual(mapModel('claude-opus-5', there), mapModel('claude-opus-5', back))
})

test('a name longer than any model’s is not looked for in anything', () => {
  const long = `opus${'x'.repeat(600)}`
  assert.equal(mapModel(long, { opus: 'glm' }).model, long)
})
