import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOTHING_TOLD } from '../../../proxy/domain/entry.ts'
import { modelAtBeginning, toldOf } from '../../../proxy/meter/told.ts'

const answers: Readonly<Record<string, readonly [json: object, told: object]>> = {
  'the beginning of a message': [
    { type: 'message_start', message: { model: 'claude-x', usage: { service_tier: 'standard' } } },
    { model: 'claude-x', serviceTier: 'standard' },
  ],
  'a message that was served fast': [{ usage: { speed: 'fast' } }, { serviceTier: 'priority' }],
  'a chunk of a chat': [
    { model: 'gpt-x-2026', service_tier: 'flex' },
    { model: 'gpt-x-2026', serviceTier: 'flex' },
  ],
  'the end of a response': [
    { type: 'response.completed', response: { model: 'gpt-x', service_tier: 'priority' } },
    { model: 'gpt-x', serviceTier: 'priority' },
  ],
  'an error of Anthropic': [{ type: 'error', error: { type: 'api_error', message: 'no' } }, { error: 'no' }],
  'an error of OpenAI': [{ error: { message: 'no' } }, { error: 'no' }],
  'an error in a stream of responses': [{ type: 'error', code: 'x', message: 'no' }, { error: 'no' }],
  'a response that failed': [{ type: 'response.failed', response: { error: { message: 'no' } } }, { error: 'no' }],
  'what is no text': [{ model: 7, service_tier: null, error: [] }, { serviceTier: 'standard' }],
  'a long sentence': [{ error: { message: `a\0${'b'.repeat(400)}` } }, { error: `a${'b'.repeat(253)}` }],
}

for (const [what, [json, told]] of Object.entries(answers)) {
  test(`${what} tells what it tells, and no more`, () => {
    assert.deepEqual(toldOf({ ...json }, NOTHING_TOLD), { ...NOTHING_TOLD, ...told })
  })
}

test('what an earlier event said stays where a later one says nothing', () => {
  const before = { model: 'm', serviceTier: 'flex', error: 'e' } as const
  assert.deepEqual(toldOf({ type: 'message_delta', usage: {} }, before), before)
})

const beginnings: Readonly<Record<string, readonly [text: string, model: string | null]>> = {
  'the model of a message': ['{"id":"msg_1","type":"message","model":"claude-x","content":[]}', 'claude-x'],
  'the model of a printed body': ['{\n  "model" : "gpt-x"', 'gpt-x'],
  'nothing from a text that quotes one': ['{"text":"\\"model\\":\\"gpt-x\\""}', null],
  'nothing from far behind the beginning': [`{"a":"${'x'.repeat(2000)}","model":"gpt-x"}`, null],
  'nothing from nothing': ['', null],
}

for (const [what, [text, model]] of Object.entries(beginnings)) {
  test(`the beginning of a body tells ${what}`, () => {
    assert.equal(modelAtBeginning(Buffer.from(text)), model)
  })
}
