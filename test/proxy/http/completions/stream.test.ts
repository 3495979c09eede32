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

test('an error inside the stream reaches the client, and the entry says which', async () => {
  const plan = { usage, errorAfter: 3, error: { code: 'insufficient_quota' } }
  const { id, status, text } = await scene.ask(path, { body: stream, plan })
  assert.equal(status, 200)
  const error = json(JSON.stringify(json(eventsOf(text).at(-1) ?? '')['error']))
  assert.equal(error['code'], 'insufficient_quota')
  const expected = { status: 'failed', error: 'insufficient_quota', metering: 'estimated', http_status: 200 }
  assert.deepEqual(pick(await scene.entry(id), expected), expected)
})

for (const cutAfter of [2, { bytes: 500 }]) {
  test(`a stream that breaks off at ${JSON.stringify(cutAfter)} ends with an error of OpenAI's kind, and its entry is marked`, async () => {
    const { id, text } = await scene.ask(path, { body: stream, plan: { usage, cutAfter } })
    const message = 'The upstream broke off its answer; try again.'
    assert.deepEqual(json(eventsOf(text).at(-1) ?? ''), {
      error: { message, type: 'server_error', param: null, code: 'upstream_broken' },
      code: 'upstream_broken',
      message,
      request_id: id,
    })
    assert.ok(!text.includes('[DONE]'))
    const expected = { status: 'failed', error: 'upstream_broken', metering: 'estimated' }
    assert.deepEqual(pick(await scene.entry(id), expected), expected)
  })
}
