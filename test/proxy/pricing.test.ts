import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { message, usage } from '../support/dialogs.ts'
import { until } from '../support/gateway.ts'
import { startScene } from '../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

async function prices(...args: string[]): Promise<void> {
  const { status, stderr } = await scene.home.command(['prices', ...args])
  assert.equal(status, 0, stderr)
}

/** What a call cost that was let in just now. */
async function costOfCall(): Promise<number | null> {
  const { status, id } = await scene.ask('/v1/messages', { body: message, plan: { usage } })
  assert.equal(status, 200)
  const find = 'SELECT cost_nano_usd AS cost FROM request_logs WHERE request_id = ?'
  await until('its entry is there', () => scene.home.query(find, id).length === 1)
  return scene.home.query<{ cost: number | null }>(find, id)[0]?.cost ?? null
}

test('a running gateway prices calls as it is told, and those of before stay what they were', async () => {
  assert.equal(await costOfCall(), null, 'unpriced, which is not free')
  await prices('set', 'claude', '--input', '1', '--output', '0', '--cache-read', '0', '--cache-write', '0')
  await until('the price is known', async () => (await costOfCall()) === usage.input * 1000)
  await prices('set', message.model, '--input', '0', '--output', '2', '--cache-read', '0', '--cache-write', '0')
  await until('the model has a price of its own', async () => (await costOfCall()) === usage.output * 2000)
  await prices('remove', message.model)
  await until('it has the other one again', async () => (await costOfCall()) === usage.input * 1000)
  const [sums] = scene.home.query<{ logged: number; counted: number; minutes: number; hours: number }>(`
    SELECT (SELECT sum(cost_nano_usd) FROM request_logs) AS logged,
      (SELECT sum(cost_nano_usd) FROM usage_stats) AS counted,
      (SELECT sum(amount) FROM limit_buckets WHERE unit = 'usd_minute') AS minutes,
      (SELECT sum(amount) FROM limit_buckets WHERE unit = 'usd_hour') AS hours`)
  assert.ok(sums && sums.logged > 0)
  assert.deepEqual([sums.counted, sums.minutes, sums.hours], [sums.logged, sums.logged, sums.logged])
})
