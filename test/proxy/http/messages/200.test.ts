import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message, pick, usage, usageColumns, withoutSerial } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

test('a message is answered byte for byte as the upstream answers it', async () => {
  const [answer, direct] = await Promise.all([
    scene.ask('/v1/messages', { body: message, plan: { usage } }),
    scene.direct('/v1/messages', { body: message, plan: { usage } }),
  ])
  assert.equal(answer.status, 200)
  assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
  assert.equal(answer.headers['content-type'], 'application/json')
  assert.equal(answer.headers['content-length'], String(answer.rawBody.length))
})

test('the upstream gets the body as it was written, to the last byte', async () => {
  const body = `{ "max_tokens" : 1e2,\n\t"model":"claude-fake","9":1, "seed":12345678901234567890, "messages":[{"role":"user","content":"\\u00fc ü 🦀"}] }\n`
  const { id, status } = await scene.ask('/v1/messages', { body })
  assert.equal(status, 200)
  const seen = scene.seen(id)
  assert.equal(seen?.path, '/v1/messages')
  assert.equal(seen.rawBody.toString(), body)
})

test('tools, images and thinking pass byte for byte', async () => {
  const body = {
    ...message,
    thinking: { type: 'enabled', budget_tokens: 1024 },
    tools: [{ name: 'toll', input_schema: { type: 'object', properties: { axles: { type: 'integer' } } } }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo='.repeat(5000) } },
          { type: 'text', text: 'Wie viele Achsen?', cache_control: { type: 'ephemeral' } },
        ],
      },
    ],
  }
  const answer = {
    id: 'msg_1',
    content: [{ type: 'tool_use', id: 'toolu_1', name: 'toll', input: { usage: { input_tokens: 999 } } }],
    usage: { input_tokens: 7, output_tokens: 5 },
  }
  const rawBody = JSON.stringify(answer, null, 2)
  const { id, text } = await scene.ask('/v1/messages', { body, plan: { rawBody } })
  assert.equal(text, rawBody)
  assert.equal(scene.seen(id)?.rawBody.toString(), JSON.stringify(body))
  const { input_tokens, output_tokens, metering } = await scene.entry(id)
  assert.deepEqual([input_tokens, output_tokens, metering], [7, 5, 'exact'])
})

test('a message is recorded with all its kinds of tokens', async () => {
  const { id } = await scene.ask('/v1/messages', { body: message, plan: { usage } })
  const entry = await scene.entry(id)
  const expected = {
    endpoint: 'messages',
    model: 'claude-fake',
    stream: 0,
    channel: 'anthropic',
    status: 'completed',
    http_status: 200,
    error: null,
    metering: 'exact',
    ...usageColumns,
  }
  assert.deepEqual(pick(entry, expected), expected)
  assert.ok(entry.first_byte_ms !== null && entry.first_byte_ms <= entry.duration_ms)
})

test('a message counts in the statistics of its key as soon as it is answered', async () => {
  const { id, key } = await scene.home.createKey(['--token-limit', '1000'])
  await scene.ask('/v1/messages', { key, body: message, plan: { usage } })
  const stats = await scene.stats(key)
  assert.equal(stats['total_lifetime_tokens'], 33)
  const window = json(JSON.stringify(stats['current_usage']))
  assert.deepEqual([window['tokens_used_in_current_window'], window['remaining_tokens']], [33, 967])
  const [row] = scene.home.query<{ n: number }>('SELECT count(*) AS n FROM api_keys WHERE id = ?', id)
  assert.equal(row?.n, 1)
})

test('an answer without usage is recorded with an estimate, and marked', async () => {
  const { id } = await scene.ask('/v1/messages', { body: message, plan: { withoutUsage: true } })
  const entry = await scene.entry(id)
  assert.deepEqual([entry.status, entry.metering], ['completed', 'estimated'])
  assert.ok(entry.input_tokens > 0 && entry.output_tokens > 0)
  assert.equal(entry.spend_tokens, entry.input_tokens + entry.output_tokens)
})

test('an answer of several megabytes in tiny and in huge pieces is whole, and its usage is found', async () => {
  const plans = [{ hugeBodyBytes: 3_000_000 }, { hugeBodyBytes: 100_000, split: 7 }, { split: 'bytes' as const }]
  await Promise.all(
    plans.map(async (plan) => {
      const { id, text, status } = await scene.ask('/v1/messages', { body: message, plan: { ...plan, usage } })
      assert.equal(status, 200)
      assert.equal(json(text)['id'], scene.seen(id)?.answerId)
      assert.deepEqual(pick(await scene.entry(id), usageColumns), usageColumns)
    }),
  )
})

test('a compressed answer is given out plain, though nobody had asked for compression', async () => {
  const plan = { gzip: true, usage, hugeBodyBytes: 300_000 }
  const { id, text, headers } = await scene.ask('/v1/messages', { body: message, plan })
  assert.equal(scene.seen(id)?.headers['accept-encoding'], 'identity')
  assert.equal(headers['content-encoding'], undefined)
  assert.equal(json(text)['id'], scene.seen(id)?.answerId)
  assert.deepEqual(pick(await scene.entry(id), usageColumns), usageColumns)
})
