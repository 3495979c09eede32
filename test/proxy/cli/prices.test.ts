import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createHome, type Home } from '../../support/gateway.ts'
import { RECORD_OF_A } from '../../support/key-file.ts'

async function homeFor(t: TestContext): Promise<Home> {
  const home = await createHome()
  t.after(() => home.remove())
  return home
}

/** What a command prints, where it has to succeed. */
async function printed(home: Home, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await home.cli(['prices', ...args])
  assert.deepEqual([status, stderr], [0, ''])
  return stdout
}

const SONNET = ['claude-sonnet', '--input', '3', '--output', '15', '--cache-read', '0.3', '--cache-write', '3.75']
const SONNET_JSON = {
  model: 'claude-sonnet',
  inputUsd: '3.00',
  cacheReadUsd: '0.30',
  cacheWriteUsd: '3.75',
  outputUsd: '15.00',
}

test('a price is set, listed for people and for programs, and taken away', async (t) => {
  const home = await homeFor(t)
  assert.equal(await printed(home, 'list'), 'There are no prices: tollgate prices set MODEL …\n')
  assert.equal(await printed(home, 'list', '--json'), '[]\n')
  assert.equal(await printed(home, 'set', ...SONNET), 'claude-sonnet has a price.\n')
  assert.deepEqual(JSON.parse(await printed(home, 'set', ...SONNET, '--json')), SONNET_JSON)
  await printed(home, 'set', 'tiny', '--input', '0.000000001', '--output', '0')
  assert.equal(
    await printed(home, 'list'),
    `MODEL          INPUT        CACHE READ  CACHE WRITE  OUTPUT
claude-sonnet  3.00         0.30        3.75         15.00
tiny           0.000000001  0.00        0.000000001  0.00
`,
  )
  const [stored] = home.query("SELECT * FROM model_pricing WHERE model = 'claude-sonnet'")
  assert.deepEqual(
    { ...stored },
    {
      model: 'claude-sonnet',
      input: 3_000_000_000,
      cache_read: 300_000_000,
      cache_write: 3_750_000_000,
      output: 15_000_000_000,
    },
  )
  assert.equal(await printed(home, 'remove', 'tiny'), 'tiny has no price any more.\n')
  assert.deepEqual(JSON.parse(await printed(home, 'list', '--json')), [SONNET_JSON])
  assert.deepEqual(JSON.parse(await printed(home, 'remove', 'claude-sonnet', '--json')), SONNET_JSON)
})

test('what a cache costs follows the input where it is left out, and is free only where that was said', async (t) => {
  const home = await homeFor(t)
  const set = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await printed(home, 'set', 'model', ...args, '--json'))
  const plain = { model: 'model', inputUsd: '2.00', cacheReadUsd: '0.20', cacheWriteUsd: '2.50', outputUsd: '8.00' }
  assert.deepEqual(await set('--input', '2', '--output', '8'), plain)
  assert.deepEqual(await set('--input', '2', '--output', '8', '--cache-read', '0', '--cache-write', '0'), {
    ...plain,
    cacheReadUsd: '0.00',
    cacheWriteUsd: '0.00',
  })
})

test('a dry run says what would happen to a price, and nothing does', async (t) => {
  const home = await homeFor(t)
  await printed(home, 'set', ...SONNET)
  const state = () => home.query('SELECT * FROM model_pricing, settings')
  const before = state()
  assert.equal(
    await printed(home, 'set', 'other', '--input', '1', '--output', '2', '--dry-run'),
    'other would have a price.\n',
  )
  assert.equal(await printed(home, 'remove', 'claude-sonnet', '--dry-run'), 'claude-sonnet would have no price.\n')
  assert.deepEqual(state(), before)
})

test('a price that cannot be is refused with a sentence', async (t) => {
  const home = await homeFor(t)
  const cases: readonly (readonly [args: readonly string[], status: number, sentence: RegExp])[] = [
    [['set', 'model', '--output', '2'], 2, /--input/],
    [['set', 'model', '--input', '2'], 2, /--output/],
    [['set', 'model', '--input', '-1', '--output', '2'], 2, /Give USD such as 0\.30/],
    [['set', 'model', '--input', '1e3', '--output', '2'], 2, /Give USD such as 0\.30/],
    [['set', 'model', '--input', '1', '--output', '0.0000000001'], 2, /at most nine decimals/],
    [['set', 'model', '--input', '1000001', '--output', '2'], 2, /at most a million/],
    [['set', ' ', '--input', '1', '--output', '2'], 2, /printable/],
    [['set', '--input', '1', '--output', '2'], 2, /missing required argument 'model'/],
    [['remove', 'model'], 1, /model has no price. tollgate prices list shows all that there are/],
    [['remove', 'model', '--dry-run'], 1, /model has no price/],
  ]
  await Promise.all(
    cases.map(async ([args, expectedStatus, sentence]) => {
      const { status, stdout, stderr } = await home.cli(['prices', ...args])
      assert.match(stderr, sentence)
      assert.deepEqual([status, stdout], [expectedStatus, ''], stderr)
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack')
    }),
  )
  assert.equal(await printed(home, 'list', '--json'), '[]\n')
})

test('a key file has no prices', async (t) => {
  const home = await homeFor(t)
  const file = join(home.path, 'apikeys.json')
  writeFileSync(file, JSON.stringify({ keys: [RECORD_OF_A] }))
  const { status, stderr } = await home.cli(['prices', 'list'], { STORAGE_TYPE: 'file', DATA_FILE: file })
  assert.match(stderr, /a key file has no such thing/)
  assert.equal(status, 1)
})
