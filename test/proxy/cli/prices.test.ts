import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { defaultPrices, DEFAULT_PRICES_VERSION } from '../../../proxy/store/default-prices.ts'
import { createHome, type Home } from '../../support/gateway.ts'
import { RECORD_OF_A } from '../../support/key-file.ts'

async function homeFor(t: TestContext): Promise<Home> {
  const home = await createHome()
  t.after(() => home.remove())
  return home
}

/** What a command prints, where it has to succeed. */
async function printed(home: Home, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await home.command(['prices', ...args])
  assert.deepEqual([status, stderr], [0, ''])
  return stdout
}

const SONNET = ['claude-sonnet', '--input', '3', '--output', '15', '--cache-read', '0.3', '--cache-write', '3.75']
const SONNET_JSON = {
  model: 'claude-sonnet',
  inputUsd: '3.00',
  cacheReadUsd: '0.30',
  cacheWriteUsd: '3.75',
  cacheWrite1hUsd: '6.00',
  outputUsd: '15.00',
  description: '',
  isListed: true,
}

test('a price is set, listed for people and for programs, and taken away', async (t) => {
  const home = await homeFor(t)
  assert.equal(await printed(home, 'list'), 'There are no prices: tollgate prices load-defaults\n')
  assert.equal(await printed(home, 'list', '--json'), '[]\n')
  assert.equal(await printed(home, 'set', ...SONNET), 'claude-sonnet has a price.\n')
  assert.deepEqual(JSON.parse(await printed(home, 'set', ...SONNET, '--json')), SONNET_JSON)
  await printed(
    home,
    'set',
    'tiny',
    '--input',
    '0.000000001',
    '--output',
    '0',
    '--listed',
    'no',
    '--description',
    'a b',
  )
  assert.equal(
    await printed(home, 'list'),
    `MODEL          INPUT        CACHE READ  CACHE WRITE  FOR AN HOUR  OUTPUT  LISTED  DESCRIPTION
claude-sonnet  3.00         0.30        3.75         6.00         15.00   yes
tiny           0.000000001  0.00        0.000000001  0.000000002  0.00    no      a b
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
      cache_write_1h: null,
      output: 15_000_000_000,
      description: '',
      is_exported: 1,
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
  const plain = {
    model: 'model',
    inputUsd: '2.00',
    cacheReadUsd: '0.20',
    cacheWriteUsd: '2.50',
    cacheWrite1hUsd: '4.00',
    outputUsd: '8.00',
    description: '',
    isListed: true,
  }
  assert.deepEqual(await set('--input', '2', '--output', '8'), plain)
  const free = { cacheReadUsd: '0.00', cacheWriteUsd: '0.00', cacheWrite1hUsd: '0.00' }
  assert.deepEqual(await set('--input', '2', '--output', '8', '--cache-read', '0', '--cache-write', '0'), {
    ...plain,
    ...free,
  })
  assert.deepEqual(await set('--input', '2', '--output', '8', '--cache-write-1h', '0'), {
    ...plain,
    cacheWrite1hUsd: '0.00',
  })
})

test('what is said of a model stays when its price is set again, unless something else is said', async (t) => {
  const home = await homeFor(t)
  const set = async (...args: string[]): Promise<readonly unknown[]> => {
    const told = await printed(home, 'set', 'model', '--input', '2', '--output', '8', ...args, '--json')
    const { description, isListed } = JSON.parse(told) as Record<string, unknown> // safe: --json's contract
    const [row] = home.query('SELECT description, is_exported FROM model_pricing')
    assert.deepEqual({ ...row }, { description, is_exported: Number(isListed) }, 'what is told is what is kept')
    return [description, isListed]
  }
  assert.deepEqual(await set('--description', 'for tests', '--listed', 'no'), ['for tests', false])
  assert.deepEqual(await set(), ['for tests', false])
  assert.deepEqual(await set('--listed', 'yes'), ['for tests', true])
  assert.deepEqual(await set('--description', 'other'), ['other', true])
})

test('the default prices are loaded on request, and overwrite nothing unless that was asked for', async (t) => {
  const home = await homeFor(t)
  const count = defaultPrices.size
  const state = () => home.query('SELECT * FROM model_pricing, settings')
  await printed(home, 'set', 'gpt-4.1', '--input', '1', '--output', '1')
  const before = state()
  const would = await printed(home, 'load-defaults', '--dry-run')
  assert.match(
    would,
    new RegExp(`^Would add ${count - 1} and replace 0 prices from the list of ${DEFAULT_PRICES_VERSION}`),
  )
  assert.match(would, /^claude-opus-5$/m)
  assert.deepEqual(state(), before)
  assert.match(await printed(home, 'load-defaults'), new RegExp(`^Added ${count - 1} and replaced 0 prices`))
  assert.match(await printed(home, 'load-defaults'), /^Added 0 and replaced 0 prices from the list of [-0-9]+\.\n$/)
  assert.match(await printed(home, 'list'), /^gpt-4\.1 +1\.00/m)
  const overwritten = { version: DEFAULT_PRICES_VERSION, added: [], replaced: ['gpt-4.1'] }
  assert.deepEqual(JSON.parse(await printed(home, 'load-defaults', '--overwrite', '--dry-run', '--json')), overwritten)
  assert.deepEqual(JSON.parse(await printed(home, 'load-defaults', '--overwrite', '--json')), overwritten)
  assert.match(await printed(home, 'list'), /^gpt-4\.1 +2\.00/m)
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
    [['set', 'model', '--input', '1', '--output', '2', '--cache-write-1h', 'x'], 2, /Give USD such as 0\.30/],
    [['set', 'model', '--input', '1', '--output', '2', '--listed', 'maybe'], 2, /yes, no/],
    [['set', ' ', '--input', '1', '--output', '2'], 2, /printable/],
    [['set', '--input', '1', '--output', '2'], 2, /missing required argument 'model'/],
    [['remove', 'model'], 1, /model has no price. tollgate prices list shows all that there are/],
    [['remove', 'model', '--dry-run'], 1, /model has no price/],
  ]
  await Promise.all(
    cases.map(async ([args, expectedStatus, sentence]) => {
      const { status, stdout, stderr } = await home.command(['prices', ...args])
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
  const { status, stderr } = await home.command(['prices', 'list'], { STORAGE_TYPE: 'file', DATA_FILE: file })
  assert.match(stderr, /a key file has no such thing/)
  assert.equal(status, 1)
})
