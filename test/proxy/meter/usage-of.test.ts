import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Protocol } from '../../../proxy/domain/endpoint.ts'
import { NO_USAGE, type Usage } from '../../../proxy/domain/usage.ts'
import { usageOf } from '../../../proxy/meter/usage-of.ts'

/** Of a usage: input, cache reads, cache writes, output, reasoning. */
type Figures = readonly [number, number, number, number, number]
const usage = ([inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens]: Figures): Usage => ({
  inputTokens,
  cacheReadTokens,
  cacheWriteTokens,
  outputTokens,
  reasoningTokens,
})

const told: Readonly<Record<string, readonly [Protocol, told: unknown, figures: Figures]>> = {
  "a message's": ['messages', { input_tokens: 10, output_tokens: 5 }, [10, 0, 0, 5, 0]],
  "a message's, whose input excludes the cache": [
    'messages',
    { input_tokens: 10, cache_read_input_tokens: 200, cache_creation_input_tokens: 30, output_tokens: 5 },
    [10, 200, 30, 5, 0],
  ],
  "a message's, whose thinking is part of its output": [
    'messages',
    { input_tokens: 10, output_tokens: 50, output_tokens_details: { thinking_tokens: 20 } },
    [10, 0, 0, 50, 20],
  ],
  "a message's with null for what there was not": [
    'messages',
    { input_tokens: 10, cache_read_input_tokens: null, cache_creation_input_tokens: null, output_tokens: 5 },
    [10, 0, 0, 5, 0],
  ],
  "a message's with server tools": [
    'messages',
    { input_tokens: 10, output_tokens: 5, server_tool_use: { web_search_requests: 1 }, service_tier: 'standard' },
    [10, 0, 0, 5, 0],
  ],
  "a chat's": ['chat', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, [10, 0, 0, 5, 0]],
  "a chat's, whose input includes the cache": [
    'chat',
    {
      prompt_tokens: 100,
      completion_tokens: 50,
      prompt_tokens_details: { cached_tokens: 80, cache_write_tokens: 15 },
      completion_tokens_details: { reasoning_tokens: 40 },
    },
    [5, 80, 15, 50, 40],
  ],
  "a chat's with null for its details": [
    'chat',
    { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: null, completion_tokens_details: null },
    [10, 0, 0, 5, 0],
  ],
  "a chat's that claims more cached tokens than there were": [
    'chat',
    { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 99, cache_write_tokens: 99 } },
    [0, 10, 0, 5, 0],
  ],
  "a chat's that claims more reasoning than output": [
    'chat',
    { prompt_tokens: 10, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 99 } },
    [10, 0, 0, 5, 5],
  ],
  "a chat's that tells output alone": ['chat', { completion_tokens: 5 }, [0, 0, 0, 5, 0]],
  "a completion's": ['completions', { prompt_tokens: 1, completion_tokens: 2 }, [1, 0, 0, 2, 0]],
  "a response's": [
    'responses',
    {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60 },
      output_tokens: 20,
      output_tokens_details: { reasoning_tokens: 10 },
    },
    [40, 60, 0, 20, 10],
  ],
  "an embedding's": ['opaque', { prompt_tokens: 8, total_tokens: 8 }, [8, 0, 0, 0, 0]],
  "a reranker's, who tells a total only": ['opaque', { total_tokens: 30 }, [30, 0, 0, 0, 0]],
  "a chat's of zeros": ['chat', { prompt_tokens: 0, completion_tokens: 0 }, [0, 0, 0, 0, 0]],
}

for (const [whose, [protocol, value, figures]] of Object.entries(told)) {
  test(`usage is read: ${whose}`, () => assert.deepEqual(usageOf(value, protocol), usage(figures)))
}

test('input is what is left of a total beside an output', () => {
  assert.deepEqual(usageOf({ total_tokens: 15, completion_tokens: 5 }, 'chat'), usage([10, 0, 0, 5, 0]))
})

test('what is no usage is not taken for one', () => {
  for (const value of [undefined, null, 0, 7, '', 'x', true]) {
    for (const protocol of ['messages', 'chat', 'responses', 'opaque'] as const) {
      assert.equal(usageOf(value, protocol), undefined)
    }
  }
  for (const value of [{}, [], { seconds: 3 }, { prompt_tokens: null }]) assert.equal(usageOf(value, 'chat'), undefined)
})

test('a message whose usage has no figure has told nothing', () => {
  for (const value of [{}, [], { input_tokens: null }, { service_tier: 'standard' }]) {
    assert.equal(usageOf(value, 'messages'), undefined)
  }
})

test('figures that no count can be are not believed', () => {
  for (const figure of [-1, 1.5, NaN, Infinity, 2 ** 53, 1e300, '7', null, {}, [7], true]) {
    const what = JSON.stringify(figure)
    const chat = { prompt_tokens: 10, completion_tokens: figure }
    assert.deepEqual(usageOf(chat, 'chat'), usage([10, 0, 0, 0, 0]), what)
    const cached = { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: figure } }
    assert.deepEqual(usageOf(cached, 'chat'), usage([10, 0, 0, 1, 0]), what)
    const message = { input_tokens: figure, output_tokens: 3 }
    assert.deepEqual(usageOf(message, 'messages', usage([9, 0, 0, 1, 0])), usage([9, 0, 0, 3, 0]), what)
  }
})

test('what a later event of a message does not tell is as an earlier one told it', () => {
  const start = usageOf({ input_tokens: 10, cache_read_input_tokens: 7, output_tokens: 1 }, 'messages')
  assert.deepEqual(usageOf({ output_tokens: 40 }, 'messages', start), usage([10, 7, 0, 40, 0]))
  const corrected = { input_tokens: 12, cache_read_input_tokens: 0, cache_creation_input_tokens: 3, output_tokens: 41 }
  assert.deepEqual(usageOf(corrected, 'messages', start), usage([12, 0, 3, 41, 0]))
})

test('later figures of other protocols are cumulative: they replace earlier ones', () => {
  const before = usage([100, 0, 0, 50, 0])
  assert.deepEqual(usageOf({ prompt_tokens: 10, completion_tokens: 5 }, 'chat', before), usage([10, 0, 0, 5, 0]))
  assert.deepEqual(usageOf({ input_tokens: 10, output_tokens: 5 }, 'responses', NO_USAGE), usage([10, 0, 0, 5, 0]))
})

test('what Anthropic keeps for an hour is the part of what it wrote that it tells of', () => {
  const written = (cache_creation: unknown, cache_creation_input_tokens = 30): Usage | undefined =>
    usageOf({ input_tokens: 10, cache_creation_input_tokens, cache_creation, output_tokens: 5 }, 'messages')
  const plain = usage([10, 0, 30, 5, 0])
  const hour = written({ ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 })
  assert.deepEqual(hour, { ...plain, cacheWrite1hTokens: 20 })
  assert.deepEqual(
    usageOf({ output_tokens: 40 }, 'messages', hour),
    { ...hour, outputTokens: 40 },
    'as it was told first',
  )
  assert.deepEqual(written({ ephemeral_1h_input_tokens: 99 }), { ...plain, cacheWrite1hTokens: 30 }, 'no more than all')
  assert.deepEqual(written({ ephemeral_1h_input_tokens: 99 }, 0), usage([10, 0, 0, 5, 0]))
  for (const nothing of [undefined, null, 7, {}, { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 0 }]) {
    assert.deepEqual(written(nothing), plain)
  }
  for (const figure of [-1, 1.5, '7', null]) assert.deepEqual(written({ ephemeral_1h_input_tokens: figure }), plain)
})
