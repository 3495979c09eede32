import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { pick, question, usage, usageColumns, withoutSerial } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/responses'
const exact = { endpoint: 'responses', channel: 'openai', status: 'completed', metering: 'exact', ...usageColumns }

test('a response passes byte for byte both ways, and is recorded to the token', async () => {
  const [answer, direct] = await Promise.all([
    scene.ask(path, { body: question, plan: { usage } }),
    scene.direct(path, { body: question, plan: { usage } }),
  ])
  assert.equal(answer.status, 200)
  assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
  assert.equal(scene.seen(answer.id)?.rawBody.toString(), JSON.stringify(question))
  assert.deepEqual(pick(await scene.entry(answer.id), exact), exact)
})

test("a key's forced model stands in for the one that was asked for", async () => {
  const { key } = await scene.home.createKey(['--model', 'gpt-forced'])
  const { id } = await scene.ask(path, { key, body: question })
  assert.equal(scene.seen(id)?.rawBody.toString(), JSON.stringify({ ...question, model: 'gpt-forced' }))
  assert.equal((await scene.entry(id)).model, 'gpt-forced')
})

test('an answer without usage is recorded with an estimate, and marked', async () => {
  const { id } = await scene.ask(path, { body: question, plan: { withoutUsage: true } })
  const entry = await scene.entry(id)
  assert.deepEqual([entry.status, entry.metering], ['completed', 'estimated'])
  assert.ok(entry.input_tokens > 0 && entry.output_tokens > 0)
})
