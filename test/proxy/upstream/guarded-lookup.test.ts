import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHost, ForbiddenAddress, guardedLookup } from '../../../proxy/upstream/guarded-lookup.ts'

function found(hostname: string, all: boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    guardedLookup(hostname, { all }, (error, address) => (error ? reject(error) : resolve(address)))
  })
}

test('a host is found as the system finds it', async () => {
  assert.equal(await found('127.0.0.1', false), '127.0.0.1')
  assert.deepEqual(await found('127.0.0.1', true), [{ address: '127.0.0.1', family: 4 }])
})

test('a name that leads to a forbidden address is refused', async () => {
  await assert.rejects(found('169.254.169.254', false), ForbiddenAddress)
  await assert.rejects(found('fe80::1', true), ForbiddenAddress)
})

test('a name that leads nowhere is told as the system tells it', async () => {
  await assert.rejects(found('nobody.invalid', false), { code: /ENOTFOUND|EAI_AGAIN/ })
})

test('an address that is written out is looked at as well', () => {
  assert.throws(() => checkHost('169.254.169.254'), ForbiddenAddress)
  assert.throws(() => checkHost('[fe80::1]'), ForbiddenAddress)
  assert.doesNotThrow(() => checkHost('10.0.0.1'))
})
