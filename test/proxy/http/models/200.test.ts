import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'
import { until } from '../../../support/until.ts'

const scene = await startScene({ env: { ZAI_API_KEY: 'upstream-zai-secret' } })
after(() => scene.close())

const ANTHROPIC = { 'anthropic-version': '2023-06-01' }

async function names(headers: Record<string, string> = {}, key?: string): Promise<readonly string[]> {
  const { status, text } = await scene.ask('/v1/models', { headers, ...(key && { key }) })
  assert.equal(status, 200)
  const { data } = json(text) as { data: readonly { readonly id: string }[] } // safe: both shapes have it
  return data.map(({ id }) => id)
}

test('models that have a price and a channel are listed, for each API those that can be asked for in it', async () => {
  const [openai, anthropic] = await Promise.all([names(), names(ANTHROPIC)])
  assert.ok(openai.some((name) => name.startsWith('gpt-')) && !openai.some((name) => name.startsWith('claude-')))
  assert.ok(anthropic.some((name) => name.startsWith('claude-')) && !anthropic.some((name) => name.startsWith('gpt-')))
  assert.ok(openai.includes('glm-4.7') && anthropic.includes('glm-4.7'), 'Z.ai speaks both')
  assert.deepEqual(openai, openai.toSorted())
})

test('each list has the shape of its provider', async () => {
  const [openai, anthropic] = await Promise.all([
    scene.ask('/v1/models'),
    scene.ask('/v1/models', { headers: ANTHROPIC }),
  ])
  const { object, data } = json(openai.text) as { object: string; data: readonly object[] } // safe: OpenAI's shape
  assert.equal(object, 'list')
  assert.deepEqual(Object.keys(data[0] ?? {}), ['id', 'object', 'created', 'owned_by'])
  const page = json(anthropic.text) as { data: readonly { id: string }[] } & Record<string, unknown> // safe: Anthropic's
  assert.deepEqual(
    [page['has_more'], page['first_id'], page['last_id']],
    [false, page.data[0]?.id, page.data.at(-1)?.id],
  )
  assert.deepEqual(Object.keys(page.data[0] ?? {}), ['type', 'id', 'display_name', 'created_at'])
})

test('no upstream is asked, and nothing is in the ledger', async () => {
  const { id } = await scene.ask('/v1/models')
  assert.equal(scene.seen(id), undefined)
  assert.deepEqual(scene.entries(id), [])
})

test('a key sees the models that it may use', async () => {
  const { key } = await scene.home.createKey(['--allow-model', 'glm-*'])
  assert.deepEqual(
    (await names({}, key)).filter((name) => !name.startsWith('glm-')),
    [],
  )
  assert.ok((await names({}, key)).length > 0)
})

test('a model that is not to be listed is not, and one with a price of its own is', async () => {
  const price = ['--input', '1', '--output', '2']
  await scene.home.command(['prices', 'set', 'claude-secret', ...price, '--listed', 'no'])
  await scene.home.command(['prices', 'set', 'claude-public', ...price])
  const listed = await until('the last price is in force', async () => {
    const all = await names(ANTHROPIC)
    return all.includes('claude-public') && all
  })
  assert.equal(listed.includes('claude-secret'), false)
})

test('one model is shown', async () => {
  const { status, text } = await scene.ask('/v1/models/glm-4.7')
  assert.deepEqual([status, json(text)['id']], [200, 'glm-4.7'])
})
