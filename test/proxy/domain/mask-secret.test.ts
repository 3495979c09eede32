import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskSecret } from '../../../proxy/domain/mask-secret.ts'

const cases: readonly (readonly [secret: string, masked: string])[] = [
  ['', '********'],
  ['x', '********'],
  ['sk-1234567890abcdef', '********'],
  ['sk-1234567890abcdefg', 'sk-12345***defg'],
  [`sk-ant-api03-${'x'.repeat(5000)}-tail`, 'sk-ant-a***tail'],
]

for (const [secret, masked] of cases) {
  test(`a secret of ${secret.length} characters is shown as ${masked}`, () => assert.equal(maskSecret(secret), masked))
}
