import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { chat, pick, usage, usageColumns, withoutSerial } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene({ env: { DEFAULT_MODEL: 'glm-4.7' } })
after(() => scene.close())

const path = '/v1/chat/completions'

test('a chat is answered byte for byte as the upstream answers it, and recorded to the token', async () => {
  const [answer, direct] = await Promise.all([
    scene.ask(path, { body: chat, plan: { usage } }),
    scene.direct(path, { body: chat, plan: { usage } }),
  ])
  assert.equal(answer.status, 200)
  assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
  const seen = scene.seen(answer.id)
  assert.equal(seen?.rawBody.toString(), JSON.stringify(chat))
  assert.equal(seen.headers.authorization, 'Bearer upstream-openai-secret')
  const expected = {
    endpoint: 'chat/completions',
    model: 'gpt-fake',
    stream: 0,
    channel: 'openai',
    status: 'completed',
    http_status: 200,
    metering: 'exact',
    ...usageColumns,
  }
  assert.deepEqual(pick(await scene.entry(answer.id), expected), expected)
})

test('tools, images and answers with a nested usage pass byte for byte', async () => {
  const content = [
    { type: 'text', text: 'Wie viele Achsen?' },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgo='.repeat(5000)}` } },
  ]
  const tools = [{ type: 'function', function: { name: 'toll', parameters: { type: 'object' }, strict: true } }]
  const body = { ...chat, messages: [{ role: 'user', content }], tools, tool_choice: 'required' }
  const call = { id: 'call_1', type: 'function', function: { name: 'toll', arguments: '{"usage":{"total_tokens":9}}' } }
  const rawBody = JSON.stringify({
    usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    choices: [{ index: 0, message: { role: 'assistant', content: null, tool_calls: [call], usage: { x: 1 } } }],
  })
  const { id, text } = await scene.ask(path, { body, plan: { rawBody } })
  assert.equal(text, rawBody)
  assert.equal(scene.seen(id)?.rawBody.toString(), JSON.stringify(body))
  const { input_tokens, output_tokens, metering } = await scene.entry(id)
  assert.deepEqual([input_tokens, output_tokens, metering], [7, 5, 'exact'])
})

const before =
  '{ "temperature":1.0, "seed":12345678901234567890,"messages":[{"role":"user","content":"\\"model\\": \\u00fc"}]'
const models: readonly (readonly [what: string, sent: string, forced: string])[] = [
  ['first', `{"model" : "gpt-4o" ,"n":1}`, `{"model" : "gpt-forced" ,"n":1}`],
  ['last', `${before},"model":"gpt-4o"}\n`, `${before},"model":"gpt-forced"}\n`],
  ['twice', `{"model":"gpt-4o","n":1,"model":"gpt-5"}`, `{"model":"gpt-forced","n":1,"model":"gpt-forced"}`],
  ['in escapes', `{"mod\\u0065l":"gpt-4o"}`, `{"mod\\u0065l":"gpt-forced"}`],
  ['as an object', `{"model":{"name":"gpt-4o"},"n":1}`, `{"model":"gpt-forced","n":1}`],
  ['as null', `{"model":null}`, `{"model":"gpt-forced"}`],
  ['nowhere', `${before} }`, `${before} ,"model":"gpt-forced"}`],
  ['within another object', `{"metadata":{"model":"x"}}`, `{"metadata":{"model":"x"},"model":"gpt-forced"}`],
]
test("a key's forced model stands in for whatever was asked for, and no other byte changes", async () => {
  const { key } = await scene.home.createKey(['--model', 'gpt-forced'])
  await Promise.all(
    models.map(async ([what, body, forced]) => {
      const { id } = await scene.ask(path, { key, body })
      assert.equal(scene.seen(id)?.rawBody.toString(), forced, what)
      assert.equal((await scene.entry(id)).model, 'gpt-forced')
    }),
  )
})

test('DEFAULT_MODEL fills in where no model is named, and nowhere else', async () => {
  const { model: named, ...rest } = chat
  const [filled, kept, blank] = await Promise.all([
    scene.ask(path, { body: rest }),
    scene.ask(path, { body: chat }),
    scene.ask(path, { body: { model: '', ...rest } }),
  ])
  assert.equal(scene.seen(filled.id)?.rawBody.toString(), `${JSON.stringify(rest).slice(0, -1)},"model":"glm-4.7"}`)
  assert.equal(scene.seen(kept.id)?.model, named)
  assert.equal(scene.seen(blank.id)?.model, 'glm-4.7')
  assert.equal(json(filled.text)['model'], 'glm-4.7')
  assert.equal((await scene.entry(filled.id)).model, 'glm-4.7')
})

test('an answer without usage is recorded with an estimate, and marked', async () => {
  const { id } = await scene.ask(path, { body: chat, plan: { withoutUsage: true } })
  const entry = await scene.entry(id)
  assert.deepEqual([entry.status, entry.metering], ['completed', 'estimated'])
  assert.ok(entry.spend_tokens > 0)
})
