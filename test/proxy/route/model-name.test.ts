import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compileModels, MAX_MODEL_CHARACTERS, splitEffort } from '../../../proxy/route/model-name.ts'
import { rounds } from '../../support/rounds.ts'

const meant: readonly (readonly [globs: readonly string[], model: string])[] = [
  [[], 'anything'],
  [['claude-opus-5'], 'claude-opus-5'],
  [['Claude-Opus-5'], 'claude-OPUS-5'],
  [['*'], ''],
  [['*'], 'gpt-5'],
  [['claude-*'], 'claude-'],
  [['*-mini'], 'gpt-5-mini'],
  [['*opus*'], 'claude-opus-5'],
  [['gpt*mini'], 'gpt-5-mini'],
  [['a*b*b'], 'abb'],
  [['**'], 'x'],
  [['gpt-5'], 'gpt-5(high)'],
  [['gpt-*5'], 'gpt-5(thinking)'],
  [['gpt-5(high)'], 'gpt-5(high)'],
  [['o3', 'gpt-*'], 'gpt-5'],
  [['!glm-*'], 'claude-opus-5'],
  [['claude-*', '!*-haiku'], 'claude-opus'],
  [['a.c'], 'a.c'],
]

for (const [globs, model] of meant) {
  test(`[${globs.join(', ')}] means ${JSON.stringify(model)}`, () => assert.ok(compileModels(globs)(model)))
}

const notMeant: readonly (readonly [globs: readonly string[], model: string])[] = [
  [['claude-opus-5'], 'claude-opus-5-1'],
  [['claude-*'], 'my-claude-5'],
  [['*-mini'], 'gpt-5-mini-2'],
  [['a*a'], 'a'],
  [['ab*ba'], 'aba'],
  [['a*b*b'], 'ab'],
  [['a.c'], 'abc'],
  [['gpt-5(high)'], 'gpt-5'],
  [['gpt-5(high)'], 'gpt-5(low)'],
  [[''], 'gpt-5'],
  [['!glm-*'], 'GLM-4.7'],
  [['!glm-4'], 'glm-4(high)'],
  [['claude-*', '!*-haiku'], 'claude-haiku'],
  [['claude-*', '!*-haiku'], 'gpt-5'],
  [['*'], 'x'.repeat(MAX_MODEL_CHARACTERS + 1)],
]

for (const [globs, model] of notMeant) {
  test(`[${globs.join(', ')}] does not mean ${model.slice(0, 40)}`, () => assert.ok(!compileModels(globs)(model)))
}

/** By trying every way to share the name out: too slow for callers, and plainly right. */
function matchesSlowly(glob: string, name: string): boolean {
  if (glob === '') return name === ''
  const [head, tail] = [glob.slice(0, 1), glob.slice(1)]
  if (head !== '*') return name.startsWith(head) && matchesSlowly(tail, name.slice(1))
  return `${name} `.split('').some((_, index) => matchesSlowly(tail, name.slice(index)))
}

test('a glob means what a slow and simple reading of it means', () => {
  const letters = (alphabet: string): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...alphabet.split('')), { maxLength: 8 }).map((all) => all.join(''))
  fc.assert(
    fc.property(letters('ab*'), letters('ab'), (glob, name) => {
      assert.equal(compileModels([glob])(name), matchesSlowly(glob, name))
    }),
    rounds(1000),
  )
})

const efforts: Readonly<Record<string, readonly [base: string, effort: string | undefined]>> = {
  'gpt-5(low)': ['gpt-5', 'low'],
  'gpt-5(medium)': ['gpt-5', 'medium'],
  'gpt-5(high)': ['gpt-5', 'high'],
  'gpt-5 (xhigh)': ['gpt-5', 'xhigh'],
  'gpt-5(HIGH)': ['gpt-5', 'high'],
  'gpt-5': ['gpt-5', undefined],
  'gpt-5(turbo)': ['gpt-5(turbo)', undefined],
  'gpt(low)-5': ['gpt(low)-5', undefined],
  '(high)': ['(high)', undefined],
  'gpt-5)': ['gpt-5)', undefined],
  'gpt-5(a)(high)': ['gpt-5(a)', 'high'],
  '': ['', undefined],
}

for (const [model, [base, effort]] of Object.entries(efforts)) {
  test(`the effort of ${JSON.stringify(model)} is ${effort ?? 'not said'}`, () => {
    assert.deepEqual(splitEffort(model), { base, effort })
  })
}
