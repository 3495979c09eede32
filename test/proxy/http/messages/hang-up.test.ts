import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { chat, eventsOf, message, pick, question, usage, usageColumns } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { startScene, type Scene } from '../../../support/scene.ts'

const [draining, aborting, brief] = await Promise.all([
  startScene(),
  startScene({ env: { CLIENT_GONE_DRAIN_MS: '0' } }),
  startScene({ env: { CLIENT_GONE_DRAIN_MS: '100' } }),
])
after(() => Promise.all([draining.close(), aborting.close(), brief.close()]))

const dialects: readonly (readonly [path: string, body: object])[] = [
  ['/v1/messages', message],
  ['/v1/chat/completions', chat],
  ['/v1/responses', question],
]

/** Opens a stream, leaves when four events have come, and answers the call's id. */
async function leaveMidStream(scene: Scene, path: string, body: object): Promise<string> {
  const plan = { usage, stallAfter: 4 }
  const { id, received, hangUp } = await scene.open(path, { body: { ...body, stream: true }, plan })
  await until('four events', () => eventsOf(received()).length === 4)
  hangUp()
  return id
}

for (const [path, body] of dialects) {
  test(`a client that leaves ${path} in the middle of a stream is recorded with its true usage`, async () => {
    const id = await leaveMidStream(draining, path, body)
    await until('the gateway has noticed', () => isReading(draining, id))
    draining.upstream.release()
    const expected = { status: 'client_gone', http_status: 499, metering: 'exact', error: null, ...usageColumns }
    const { reasoning_tokens: _, ...rest } = expected
    assert.deepEqual(pick(await draining.entry(id), rest), rest)
    await draining.upstream.waitFor(() => draining.seen(id)?.ended === 'complete')
  })

  test(`a client that leaves ${path} is recorded with an estimate where nothing is drained`, async () => {
    const id = await leaveMidStream(aborting, path, body)
    const entry = await aborting.entry(id)
    const expected = { status: 'client_gone', http_status: 499, metering: 'estimated' }
    assert.deepEqual(pick(entry, expected), expected)
    assert.ok(entry.input_tokens > 0 && entry.output_tokens > 0)
    await aborting.upstream.waitFor(() => aborting.seen(id)?.ended === 'client_gone')
  })
}

/** Nothing outside tells that a hang-up was noticed; a call in flight whose connection is gone does. */
async function isReading(scene: Scene, id: string): Promise<boolean> {
  const { text } = await scene.ask('/metrics')
  return scene.seen(id)?.ended === 'pending' && /^tollgate_calls_in_flight 1$/m.test(text)
}

test('a client that leaves before the answer began is recorded with its true usage', async () => {
  const controller = new AbortController()
  const { id, headers } = draining.mark({ usage, neverAnswer: true })
  const asked = fetch(`${draining.url}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify(message),
    headers: { ...headers, authorization: `Bearer ${draining.adminKey}` },
    signal: controller.signal,
  })
  await draining.upstream.waitFor(() => draining.seen(id)?.ended === 'pending')
  controller.abort()
  await assert.rejects(asked)
  draining.upstream.release()
  const entry = await draining.entry(id)
  assert.deepEqual(pick(entry, { ...usageColumns, metering: '' }), { ...usageColumns, metering: 'exact' })
})

test('after the drain time the upstream is left, and what it had told is kept', async () => {
  const id = await leaveMidStream(brief, '/v1/messages', message)
  const expected = { status: 'client_gone', metering: 'estimated', input_tokens: 10, cache_read_tokens: 4 }
  assert.deepEqual(pick(await brief.entry(id), expected), expected)
  await brief.upstream.waitFor(() => brief.seen(id)?.ended === 'client_gone')
})

test('a client that leaves in the middle of a large answer does not stop it from being measured', async () => {
  const plan = { usage, hugeBodyBytes: 20_000_000 }
  const { id, message: answer, hangUp } = await draining.open('/v1/messages', { body: message, plan })
  answer.pause()
  hangUp()
  const expected = { status: 'client_gone', metering: 'exact', ...usageColumns }
  assert.deepEqual(pick(await draining.entry(id), expected), expected)
})

test('a hundred clients that leave are a hundred entries', async () => {
  const ids = await Promise.all(Array.from({ length: 100 }, () => leaveMidStream(draining, '/v1/messages', message)))
  draining.upstream.release()
  const entries = await Promise.all(ids.map((id) => draining.entry(id)))
  assert.deepEqual(
    entries.filter(({ metering, spend_tokens }) => metering !== 'exact' || spend_tokens !== 33),
    [],
  )
  await until('none is in flight', async () =>
    /^tollgate_calls_in_flight 0$/m.test((await draining.ask('/metrics')).text),
  )
})
