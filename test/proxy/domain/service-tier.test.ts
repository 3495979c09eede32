import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ServiceTier, serviceTierOf } from '../../../proxy/domain/service-tier.ts'

const told: Readonly<Record<string, readonly [tier: unknown, usage: unknown, ServiceTier]>> = {
  'nothing of a tier': [undefined, { input_tokens: 1 }, 'standard'],
  'the default one': ['default', undefined, 'standard'],
  'a priority one': ['priority', undefined, 'priority'],
  'a fast one, as priority is called since': ['fast', undefined, 'priority'],
  'an ultrafast one': ['ultrafast', undefined, 'ultrafast'],
  'a flexible one': ['flex', undefined, 'flex'],
  'one that nobody knows': ['platinum', undefined, 'standard'],
  'one with the name of what objects have': ['constructor', undefined, 'standard'],
  'no text': [{ tier: 'flex' }, 7, 'standard'],
  "Anthropic's fast mode": [undefined, { speed: 'fast', service_tier: 'standard' }, 'priority'],
  "Anthropic's standard speed": [undefined, { speed: 'standard', service_tier: 'standard' }, 'standard'],
  "Anthropic's batch": [undefined, { service_tier: 'batch' }, 'flex'],
  "Anthropic's priority, which was paid for in advance": [undefined, { service_tier: 'priority' }, 'standard'],
  'null for its usage': ['flex', null, 'flex'],
}

for (const [what, [tier, usage, expected]] of Object.entries(told)) {
  test(`an answer that tells of ${what} is priced as ${expected}`, () => {
    assert.equal(serviceTierOf(tier, usage), expected)
  })
}
