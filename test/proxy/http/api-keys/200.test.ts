import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())
before(async () => {
  for (const options of [['--model', 'claude-fake'], ['--model', 'claude-fake', '--token-limit', '5'], []]) {
    await scene.home.createKey(options)
  }
})

interface Page {
  readonly keys: readonly { readonly name: string; readonly tokenLimit: number | null; readonly hash?: unknown }[]
  readonly total: number
  readonly hasMore: boolean
  readonly limit: number
  readonly offset: number
}

async function page(query: string): Promise<Page> {
  const { status, text } = await scene.ask(`/api/keys${query}`)
  assert.equal(status, 200, text)
  return json(text) as unknown as Page // safe: its fields are compared below
}

function names({ keys }: Page): string[] {
  return keys.map(({ name }) => name)
}

test('all keys are listed, oldest first, without their secrets', async () => {
  const all = await page('')
  assert.deepEqual(names(all).toSorted(), ['admin-from-environment', 'key-1', 'key-2', 'key-3'])
  assert.deepEqual([all.total, all.hasMore, all.limit, all.offset], [4, false, 100, 0])
  assert.ok(all.keys.every((key) => !('hash' in key) && !('key' in key)))
})

test('keys are narrowed by model and state, and come in pages', async () => {
  assert.deepEqual(names(await page('?model=claude-fake')), ['key-1', 'key-2'])
  assert.deepEqual(names(await page('?state=expired')), [])
  const second = await page('?model=claude-fake&state=active&limit=1&offset=1')
  assert.deepEqual([names(second), second.total, second.keys[0]?.tokenLimit], [['key-2'], 2, 5])
})

test('a key in the query is not taken for a filter', async () => {
  const { status } = await scene.ask(`/api/keys?limit=1&api_key=${scene.adminKey}`, { key: null })
  assert.equal(status, 200)
})
