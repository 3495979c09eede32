import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holds } from '../../../operator/plan/holds.ts'

const cases: readonly (readonly [what: string, live: unknown, wanted: unknown, isSo: boolean])[] = [
  ['defaults of the API server', { a: 1, b: 2 }, { a: 1 }, true],
  ['another value', { a: 2 }, { a: 1 }, false],
  ['a field that has gone', {}, { a: 1 }, false],
  ['nothing at all', undefined, { a: 1 }, false],
  ['an empty object that was left out', {}, { emptyDir: {} }, true],
  ['defaults within a list', [{ name: 'a', protocol: 'TCP' }], [{ name: 'a' }], true],
  ['something more in a list', [{ name: 'a' }, { name: 'b' }], [{ name: 'a' }], false],
  ['a list in another order', [{ name: 'b' }, { name: 'a' }], [{ name: 'a' }, { name: 'b' }], false],
  [
    'an amount in other words',
    { requests: { cpu: '1', memory: '1Gi' } },
    { requests: { cpu: '1000m', memory: '1024Mi' } },
    true,
  ],
  ['an amount with an exponent', { limits: { storage: '1k' } }, { limits: { storage: '1e3' } }, true],
  ['another amount', { limits: { cpu: '2' } }, { limits: { cpu: '1' } }, false],
  ['an amount that is none', { limits: { cpu: 'much' } }, { limits: { cpu: 'more' } }, false],
  ['a text that looks like an amount', { env: '1' }, { env: '1000m' }, false],
]

for (const [what, live, wanted, isSo] of cases) {
  test(`${what} ${isSo ? 'is no difference' : 'is a difference'}`, () => assert.equal(holds(live, wanted), isSo))
}
