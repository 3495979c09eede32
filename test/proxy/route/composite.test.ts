import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CompositeMapping } from '../../../proxy/domain/channel.ts'
import { compositeProblems, resolveComposite } from '../../../proxy/route/composite.ts'
import { aChannel } from '../../support/a-channel.ts'

const mappings: readonly CompositeMapping[] = [
  { pattern: 'opus', targets: ['big', 'spare'], model: 'gpt-5' },
  { pattern: 'Haiku', targets: ['small'], model: null },
  { pattern: 'claude', targets: ['rest'], model: 'glm-4.7(low)' },
]

type Row = readonly [model: string, targets: readonly string[], asksFor: string]

const rows: readonly Row[] = [
  ['claude-opus-5', ['big', 'spare'], 'gpt-5'],
  ['CLAUDE-OPUS-5', ['big', 'spare'], 'gpt-5'],
  ['claude-haiku-5', ['small'], 'claude-haiku-5'],
  ['claude-haiku-5(high)', ['small'], 'claude-haiku-5(high)'],
  ['claude-sonnet-5', ['rest'], 'glm-4.7(low)'],
  ['opus(high)', ['big', 'spare'], 'gpt-5(high)'],
  ['opus(thinking)', ['big', 'spare'], 'gpt-5'],
  ['claude-sonnet-5(high)', ['rest'], 'glm-4.7(low)'],
]

for (const [model, targets, asksFor] of rows) {
  test(`a composite sends ${model} to ${targets.join(', ')} as ${asksFor}`, () => {
    assert.deepEqual(resolveComposite({ compositeMappings: mappings }, model), { targets, model: asksFor })
  })
}

test('a composite sends a model that has no mapping nowhere', () => {
  assert.equal(resolveComposite({ compositeMappings: mappings }, 'gpt-5'), undefined)
  assert.equal(resolveComposite({ compositeMappings: [] }, 'gpt-5'), undefined)
})

const target = aChannel('target', { pool: 'responses' })
const search = aChannel('search', { pool: 'search', serviceType: 'brave' })
const nested = aChannel('nested', { serviceType: 'composite' })
const to = (...targets: readonly string[]): CompositeMapping => ({ pattern: 'opus', targets, model: null })

const composites: readonly (readonly [
  what: string,
  said: Parameters<typeof aChannel>[1],
  problems: readonly string[],
])[] = [
  ['with a target in another pool', { compositeMappings: [to('target')] }, []],
  ['without a mapping', { compositeMappings: [] }, ['a composite needs a mapping']],
  ['without a target', { compositeMappings: [to()] }, ['the mapping of "opus" needs a target']],
  ['to nowhere', { compositeMappings: [to('target', 'gone')] }, ['the mapping of "opus": there is no channel "gone"']],
  [
    'to another composite',
    { compositeMappings: [to('nested')] },
    ['the mapping of "opus": nested is a composite itself'],
  ],
  ['to itself', { compositeMappings: [to('self')] }, ['the mapping of "opus": self is a composite itself']],
  ['to a search', { compositeMappings: [to('search')] }, ['the mapping of "opus": search is in the pool search']],
  [
    'that searches',
    { pool: 'search', compositeMappings: [to('target')] },
    ['a composite cannot be in the pool search'],
  ],
]

for (const [what, said, problems] of composites) {
  test(`a composite ${what} has ${problems.length === 0 ? 'no problem' : `a problem: ${problems.join()}`}`, () => {
    const self = aChannel('self', { serviceType: 'composite', ...said })
    assert.deepEqual(compositeProblems(self, [target, search, nested, self]), problems)
  })
}
