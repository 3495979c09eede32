import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { ask } from '../../support/ask.ts'
import { startFakeUpstream } from '../../support/fake-upstream.ts'
import { createHome, startGateway, upstreamEnv } from '../../support/gateway.ts'
import { seededRandom } from '../../support/load.ts'

const LARGEST = 200
const LIMIT = 20_000
const CLIENTS = 32
const INPUT_TOKENS = 5

test('one gateway on SQLite keeps to a limit of tokens within one call', async (t) => {
  let served = 0
  const upstream = await startFakeUpstream({
    plan(seen) {
      const tokens = Number(seen.headers['x-client-request-id'])
      served += INPUT_TOKENS + tokens
      return { usage: { input: INPUT_TOKENS, output: tokens }, delayMs: tokens % 7, chunks: 2 }
    },
  })
  t.after(() => upstream.close())
  const home = await createHome({ ...upstreamEnv(upstream.url), LIMIT_WAIT_MS: '1000' })
  const { key } = await home.createKey(['--token-limit', String(LIMIT)])
  const gateway = await startGateway(home)
  t.after(async () => {
    await gateway.stop('SIGKILL')
    await home.remove()
  })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const random = seededRandom(Number(process.env['SEED'] ?? 1))
  const client = async (): Promise<void> => {
    for (;;) {
      const tokens = Math.ceil(random() ** 3 * LARGEST)
      const { status, text } = await ask(`${gateway.url}/v1/messages`, {
        agent,
        headers: { 'x-api-key': key, 'x-client-request-id': String(tokens) },
        body: { model: 'm', max_tokens: LARGEST, stream: random() < 0.3, messages: [{ role: 'user', content: 'Hi' }] },
      })
      if (status === 200) continue
      assert.equal(status, 429, text)
      if (text.includes('Token limit exceeded')) return // and not that calls in flight hold the rest
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  t.diagnostic(`${served} of ${LIMIT}`)
  assert.ok(served >= LIMIT && served < LIMIT + LARGEST + INPUT_TOKENS, `${served} of ${LIMIT}`)
})
