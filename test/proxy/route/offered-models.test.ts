import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel } from '../../../proxy/domain/channel.ts'
import { offeredModels } from '../../../proxy/route/offered-models.ts'
import { aChannel } from '../../support/a-channel.ts'

const LISTED = ['claude-opus', 'glm-5', 'gpt-5']
const anything = (): boolean => true

const offers: Readonly<Record<string, readonly [channel: Partial<Channel>, models: readonly string[]]>> = {
  'Claudes by a channel that speaks as Anthropic does': [{ serviceType: 'claude' }, ['claude-opus']],
  'the others by one that speaks as OpenAI does': [{ serviceType: 'openai_chat' }, ['glm-5', 'gpt-5']],
  'what its globs say': [{ serviceType: 'claude', models: ['g*', '!gpt-*'] }, ['glm-5']],
  'all but what its globs exclude': [{ serviceType: 'responses', models: ['!gpt-*'] }, ['glm-5']],
  'what it names itself': [
    { serviceType: 'claude', models: ['my-claude'], modelMapping: { fast: 'claude-opus' } },
    ['fast', 'my-claude'],
  ],
  'what a composite sends on': [
    { serviceType: 'composite', compositeMappings: [{ pattern: 'OPUS', targets: ['x'], model: null }] },
    ['claude-opus'],
  ],
  'nothing by a channel that is paused': [{ status: 'suspended' }, []],
  'nothing by one with a fault': [{ fault: 'no' }, []],
}

for (const [what, [channel, models]] of Object.entries(offers)) {
  test(`offered is ${what}`, () => {
    assert.deepEqual(offeredModels([aChannel('one', channel)], LISTED, anything), models)
  })
}

test('each model is offered once, and to who may use it', () => {
  const channels = [
    aChannel('one', { serviceType: 'claude' }),
    aChannel('two', { serviceType: 'claude', models: ['claude-*'] }),
  ]
  assert.deepEqual(offeredModels(channels, LISTED, anything), ['claude-opus'])
  assert.deepEqual(
    offeredModels(channels, LISTED, (model) => model !== 'claude-opus'),
    [],
  )
})
