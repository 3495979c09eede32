import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../../proxy/config.ts'
import { channelsOf } from '../../../proxy/route/channel.ts'

test('there is a channel for every vendor with a key, and no other', () => {
  assert.deepEqual(channelsOf(readConfig({})), [])
  assert.deepEqual(
    channelsOf(readConfig({ ZAI_API_KEY: 'z', ANTHROPIC_API_KEY: 'a' })).map(({ name, secret }) => [name, secret]),
    [
      ['anthropic', 'a'],
      ['zai', 'z'],
    ],
  )
})

test('a vendor speaks its own dialect, and Z.ai both', () => {
  const channels = channelsOf(readConfig({ ANTHROPIC_API_KEY: 'a', OPENAI_API_KEY: 'o', ZAI_API_KEY: 'z' }))
  assert.deepEqual(
    channels.map(({ bases }) => Object.keys(bases)),
    [['anthropic'], ['openai'], ['anthropic', 'openai']],
  )
})
