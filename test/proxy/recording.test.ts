import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { select, tableOf } from '../../proxy/store/database.ts'
import { type Asked, ask, json, open } from '../support/ask.ts'
import { chat, message } from '../support/dialogs.ts'
import { testEmpty } from '../support/empty-database.ts'
import { startFakeUpstream } from '../support/fake-upstream.ts'
import { createHome, startGateway, until } from '../support/gateway.ts'

const KEY = 'tg_an_admin_key_for_tests'
const CHAT = '/v1/chat/completions'

testEmpty('requests and answers are kept as they were, without secrets, once somebody says so', async (t, empty) => {
  const upstream = await startFakeUpstream()
  t.after(() => upstream.close())
  const home = await createHome({
    ...empty.env,
    ADMIN_API_KEY: KEY,
    OPENAI_API_KEY: 'upstream-openai-secret',
    OPENAI_BASE_URL: `${upstream.url}/v1`,
    LEDGER_COMMIT_INTERVAL_MS: '20',
    CONFIG_POLL_INTERVAL_MS: '20',
  })
  t.after(() => home.remove())
  const gateway = await startGateway(home)
  t.after(() => gateway.stop())
  const headers = { authorization: `Bearer ${KEY}` }
  const at = (path: string): string => gateway.url + path
  const admin = async (method: string, path: string, body?: object) => {
    const { status, text } = await ask(at(path), { method, headers, ...(body && { body }) })
    assert.ok(status < 300, text)
    return json(text)
  }
  let serial = 0
  const marked = (more: Asked): Asked & { readonly id: string } => {
    const id = `call-${++serial}`
    return { ...more, id, headers: { ...headers, ...more.headers, 'x-request-id': id } }
  }
  const entryOf = (requestId: string) =>
    until(`an entry of ${requestId}`, async () => {
      const { requests } = await admin('GET', '/api/logs')
      return (requests as Record<string, unknown>[]).find((one) => one['requestId'] === requestId) // safe: documented
    })
  const keptOf = async (requestId: string): Promise<Record<string, unknown>> => {
    const { id } = await entryOf(requestId)
    await until('it is written', async () => (await entryOf(requestId))['hasDebugData'])
    return admin('GET', `/api/logs/${String(id)}/debug`)
  }
  const count = async () => (await admin('GET', '/api/logs/debug/stats'))['count']
  /** In force on every replica a moment later, and here too. */
  const keep = async (maxBodyKb: number): Promise<void> => {
    await admin('PUT', '/api/config/debug-log', { enabled: true, maxBodyKb })
    await until('it is in force', async () => {
      const call = marked({ body: { ...chat, user: 'x'.repeat(2000) } })
      await ask(at(CHAT), call)
      if (!(await entryOf(call.id))['hasDebugData']) return false
      return (await keptOf(call.id))['isRequestCut'] === (maxBodyKb === 1)
    })
  }

  const off = marked({ body: chat })
  assert.equal((await ask(at(CHAT), off)).status, 200)
  assert.equal((await entryOf(off.id))['hasDebugData'], false)
  assert.equal(await count(), 0)
  await keep(64)

  // Whole, with secrets wherever a caller may put them.
  const search = `?api_key=${KEY}&key=${KEY}&access_token=${KEY}&beta=true`
  const secrets = { 'x-api-key': KEY, 'x-goog-api-key': KEY, cookie: `session=${KEY}` }
  const sent = JSON.stringify(chat)
  const whole = marked({ body: sent, headers: { ...secrets, 'content-type': 'application/json' } })
  const answer = await ask(at(CHAT + search), whole)
  const kept = await keptOf(whole.id)
  assert.deepEqual(
    [kept['requestMethod'], kept['requestPath'], kept['requestBody'], kept['requestBodySize'], kept['isRequestCut']],
    ['POST', `${CHAT}?access_token=***&beta=true`, sent, Buffer.byteLength(sent), false],
  )
  assert.deepEqual([kept['responseStatus'], kept['responseBody']], [200, answer.text])
  assert.deepEqual([kept['responseBodySize'], kept['isResponseCut']], [answer.rawBody.length, false])
  const requestHeaders = kept['requestHeaders'] as Record<string, string> // safe: documented
  for (const name of ['authorization', ...Object.keys(secrets)]) assert.equal(requestHeaders[name], '***', name)
  const responseHeaders = kept['responseHeaders'] as Record<string, string> // safe: documented
  assert.deepEqual(responseHeaders['x-request-id'], whole.id)

  // Refused by the upstream, streamed, and streamed through a channel that speaks another format.
  await admin('POST', '/api/channels', {
    pool: 'messages',
    name: 'translated',
    serviceType: 'openai_chat',
    baseUrl: `${upstream.url}/v1`,
    apiKeys: ['upstream-channel-secret'],
  })
  const messages = { ...message, stream: true }
  await until(
    'the channel is in force',
    async () => (await ask(at('/v1/messages'), marked({ body: messages }))).status === 200,
  )
  for (const [path, body, plan] of [
    [CHAT, chat, { status: 400, error: { message: 'no' } }],
    [CHAT, { ...chat, stream: true }, {}],
    ['/v1/messages', messages, {}],
  ] as const) {
    upstream.behave(plan)
    const call = marked({ body })
    const { status, text } = await ask(at(path), call)
    const { responseStatus, responseBody, requestBody } = await keptOf(call.id)
    assert.deepEqual([responseStatus, responseBody, requestBody], [status, text, JSON.stringify(body)])
  }

  // A caller that hangs up gets what it got.
  upstream.behave({ stallAfter: 3 })
  const left = marked({ body: messages })
  const opened = await open(at('/v1/messages'), left)
  await until('something came', () => opened.received() !== '')
  opened.hangUp()
  await until('there is an answer to let go on', () => upstream.held() > 0)
  upstream.release()
  upstream.behave({})
  const heard = await keptOf(left.id)
  assert.ok(String(heard['responseBody']).startsWith(opened.received()))

  // Cut.
  await keep(1)
  upstream.behave({ hugeBodyBytes: 5000 })
  const long = marked({ body: { ...chat, user: 'ü'.repeat(3000) } })
  const { rawBody } = await ask(at(CHAT), long)
  const cut = await keptOf(long.id)
  const asked = Buffer.from(JSON.stringify(long.body))
  assert.deepEqual([cut['requestBodySize'], cut['isRequestCut']], [asked.length, true])
  assert.equal(cut['requestBody'], asked.subarray(0, 1024).toString())
  assert.deepEqual([cut['responseBodySize'], cut['isResponseCut']], [rawBody.length, true])
  assert.equal(cut['responseBody'], rawBody.subarray(0, 1024).toString())

  assert.equal(await gateway.stop(), 0)
  const database = await empty.open()
  const rows = await select<Record<string, unknown>>(database, `SELECT * FROM ${tableOf(database, 'request_bodies')}`)
  const raw = rows.flatMap((row) =>
    Object.values(row).map((cell) => (Buffer.isBuffer(cell) ? gunzipSync(cell).toString() : String(cell))),
  )
  assert.ok(
    raw.some((text) => text.includes('"model"')),
    'something was looked at',
  )
  for (const secret of [KEY, 'upstream-openai-secret', 'upstream-channel-secret']) {
    assert.ok(!raw.some((text) => text.includes(secret)), secret)
  }
})
