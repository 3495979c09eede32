import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuseBeyond } from '../../../proxy/admin/key-grant.ts'
import type { Key } from '../../../proxy/domain/key.ts'
import { aKey } from '../../support/a-key.ts'

type Grant = Partial<Key>

function isGiven(own: Grant, after: Grant, before: Grant = {}): boolean {
  try {
    refuseBeyond(aKey(own), aKey(before), aKey({ ...before, ...after }))
    return true
  } catch (error) {
    assert.match(String(error), /needs the key of an administrator of all tenants: \w+\.$/)
    return false
  }
}

const cases: Readonly<
  Record<string, readonly (readonly [own: Grant, after: Grant, isGiven: boolean, before?: Grant])[]>
> = {
  'who administrates, and whose a key is, is never given': [
    [{}, { isAdmin: true }, false],
    [{ isTenantAdmin: true, tenantId: 't' }, { isTenantAdmin: true }, false],
    [{ tenantId: 't' }, { tenantId: null }, false, { tenantId: 't' }],
    [{ tenantId: 't' }, { tenantId: 't' }, true, { tenantId: 't' }],
  ],
  'limits are given as one likes': [[{ rpm: 1, tokenLimit: 1 }, { rpm: 9, tokenLimit: null, expiresAt: 1 }, true]],
  'endpoints are those that are open, or those of the own key': [
    [{}, { allowedEndpoints: ['messages', 'chat/completions', 'models'] }, true],
    [{}, { allowedEndpoints: null }, true, { allowedEndpoints: ['files/*'] }],
    [{}, { allowedEndpoints: ['files'] }, false],
    [{}, { allowedEndpoints: ['messages', 'files/*'] }, false],
    [{}, { allowedEndpoints: ['*'] }, false],
    [{}, { allowedEndpoints: ['models/*'] }, false],
    [{}, { allowedEndpoints: ['messages/batches'] }, false],
    [{ allowedEndpoints: ['files/*'] }, { allowedEndpoints: ['files/*'] }, true],
    [{ allowedEndpoints: ['files/*'] }, { allowedEndpoints: ['files/1/content', 'files/a*'] }, true],
    [{ allowedEndpoints: ['files/*'] }, { allowedEndpoints: ['file*'] }, false],
    [{ allowedEndpoints: ['files/*'] }, { allowedEndpoints: ['*'] }, false],
    [{ allowedEndpoints: ['files/*'] }, { allowedEndpoints: null }, false, { allowedEndpoints: ['files/*'] }],
    [{ allowedEndpoints: ['files/*'] }, { allowedEndpoints: ['messages'] }, false],
  ],
  'models are those of the own key, or some of them': [
    [{}, { allowedModels: ['*'] }, true],
    [{ allowedModels: ['claude-*'] }, { allowedModels: ['claude-opus-*', 'claude-3'] }, true],
    [{ allowedModels: ['claude-*'] }, { allowedModels: ['claude*'] }, false],
    [{ allowedModels: ['claude-*'] }, { allowedModels: ['*'] }, false],
    [{ allowedModels: ['claude-*'] }, { allowedModels: ['!claude-2'] }, false],
    [{ allowedModels: ['claude-*'] }, { allowedModels: null }, false, { allowedModels: ['x'] }],
    [{ allowedModels: ['!gpt-4'] }, { allowedModels: ['gpt-*'] }, false],
    [{ allowedModels: ['!gpt-4'] }, { allowedModels: ['gpt-*', '!gpt-4', '!gpt-3'] }, true],
    [{ allowedModels: ['claude-*', '!claude-2'] }, { allowedModels: ['claude-*'] }, false],
  ],
  'so are channels': [
    [{}, { allowedChannels: ['a'] }, true],
    [{ allowedChannels: ['a', 'b'] }, { allowedChannels: ['b'] }, true],
    [{ allowedChannels: ['a', 'b'] }, { allowedChannels: ['b', 'c'] }, false],
    [{ allowedChannels: ['a'] }, { allowedChannels: null }, false, { allowedChannels: ['a'] }],
  ],
  'a forced model is that of the own key': [
    [{}, { model: 'x' }, true],
    [{ model: 'x' }, { model: 'x' }, true],
    [{ model: 'x' }, { model: 'y' }, false],
    [{ model: 'x' }, { model: null }, false, { model: 'y' }],
  ],
  'what stays was given by somebody who may': [
    [{ allowedModels: ['a'], model: 'x' }, { name: 'new' }, true, { allowedEndpoints: ['*'], allowedModels: null }],
    [{}, { isAdmin: true, allowedEndpoints: ['*'] }, true, { isAdmin: true, allowedEndpoints: ['*'] }],
  ],
}

for (const [sentence, table] of Object.entries(cases)) {
  test(`by the key of a tenant’s administrator: ${sentence}`, () => {
    for (const [own, after, expected, before] of table)
      assert.equal(isGiven(own, after, before), expected, JSON.stringify([own, after, before]))
  })
}
