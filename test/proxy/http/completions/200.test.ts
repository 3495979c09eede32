import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { completion, eventsOf, pick, usage, usageColumns, withoutSerial } from '../../../support/dialogs.ts'
import type { Behaviour } from '../../../support/fake-upstream.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/completions'
const stream = { ...completion, stream: true }
const exact = { endpoint: 'completions', channel: 'openai', status: 'completed', metering: 'exact', ...usageColumns }

test('a completion passes byte for byte both ways, and is recorded to the token', async () => {
  const [answer, direct] = await Promise.all([
    scene.ask(path, { body: completion, plan: { usage } }),
    scene.direct(path, { body: completion, plan: { usage } }),
  ])
  assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
  assert.equal(scene.seen(answer.id)?.rawBody.toString(), JSON.stringify(completion))
  assert.deepEqual(pick(await scene.entry(answer.id), exact), exact)
})

const ways: readonly Partial<Behaviour>[] = [{}, { split: 'bytes' }, { split: 13, lineEnd: '\r\n' }, { gzip: true }]
for (const plan of ways) {
  test(`a streamed completion (${JSON.stringify(plan)}) is what it would be without a gateway, and is recorded`, async () => {
    const asking = { ...stream, stream_options: { include_usage: true } }
    for (const body of [stream, asking]) {
      const [answer, direct] = await Promise.all([
        scene.ask(path, { body, plan: { ...plan, usage } }),
        scene.direct(path, { body, plan: { ...plan, gzip: false, usage } }),
      ])
      assert.equal(withoutSerial(answer.text), withoutSerial(direct.text))
      assert.equal(answer.text.includes('usage'), body === asking)
      assert.deepEqual(pick(await scene.entry(answer.id), exact), exact)
    }
  })
}

test('errors are told in the shape of OpenAI', async () => {
  const [malformed, noKey, refused, broken] = await Promise.all([
    scene.ask(path, { body: 'null' }),
    scene.ask(path, { body: completion, key: 'tg_no_such_key' }),
    scene.ask(path, { body: completion, plan: { status: 500 } }),
    scene.ask(path, { body: stream, plan: { cutAfter: 2 } }),
  ])
  assert.deepEqual([malformed.status, json(malformed.text)['code']], [400, 'json_invalid'])
  assert.deepEqual([noKey.status, json(noKey.text)['error']], [401, 'Invalid API key'])
  assert.deepEqual([refused.status, pick(json(refused.text), { code: 0 })], [500, {}])
  assert.equal(json(eventsOf(broken.text).at(-1) ?? '')['code'], 'upstream_broken')
})
