import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createHome, type Home } from '../../support/gateway.ts'

interface Printed {
  readonly id: string
  readonly [field: string]: unknown
}

let home: Home

before(async () => {
  home = await createHome()
})
after(() => home.remove())

/** What a command prints with `--json`, where it has to succeed. */
async function json(...args: string[]): Promise<Printed> {
  const { status, stdout, stderr } = await home.command(['keys', ...args, '--json'])
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Printed // safe: --json's contract, which the test looks at
}

async function refused(args: readonly string[], expectedStatus: number, sentence: RegExp): Promise<void> {
  const { status, stdout, stderr } = await home.command(['keys', ...args])
  assert.match(stderr, sentence)
  assert.equal(status, expectedStatus, stderr)
  assert.equal(stdout, '')
  assert.doesNotMatch(stderr, /^\s+at /m, 'no stack')
}

test('a key is changed in what is named and in nothing else, and a limit can be lifted', async () => {
  const made = await json('create', '--name', 'grows', '--rpm', '5', '--model', 'one', '--budget-day', '1')
  const { key: _, updatedAt: __, ...original } = made
  const limits = ['--token-limit', '1000', '--budget-5h', '2.5', '--budget-month', '100', '--budget-calendar']
  const lists = ['--allow-model', 'claude-*', 'gpt-5', '--allow-channel', '0a1b2c3d', '--allow-endpoint', 'messages']
  const more = [...lists, '--name', 'grown', '--description', 'of the team']
  const { updatedAt, ...changed } = await json('set', 'grows', ...limits, ...more)
  assert.notEqual(updatedAt, made['updatedAt'])
  const expected = {
    ...original,
    name: 'grown',
    description: 'of the team',
    allowedModels: ['claude-*', 'gpt-5'],
    allowedChannels: ['0a1b2c3d'],
    allowedEndpoints: ['messages'],
    tokenLimit: 1000,
    budget5hUsd: '2.50',
    budgetMonthUsd: '100.00',
    budgetIsCalendar: true,
  }
  assert.deepEqual(changed, expected)
  assert.deepEqual(await json('show', 'grown'), { ...expected, updatedAt })

  const opened = ['--allow-model', '--allow-channel', '--allow-endpoint']
  const lifted = [...opened, '--token-limit', '--rpm', '--model', '--budget-5h', '--budget-day', '--budget-month']
  const none = lifted.flatMap((option) => [option, 'none'])
  const bare = await json('set', made.id, ...none, '--budget-rolling', '--description', '')
  const nothing = {
    description: '',
    tokenLimit: null,
    rpm: null,
    rateLimitRpm: 0,
    model: null,
    budgetIsCalendar: false,
  }
  const all = { allowedModels: null, allowedChannels: null, allowedEndpoints: null }
  const unlimited = { ...nothing, budget5hUsd: null, budgetDayUsd: null, budgetMonthUsd: null }
  assert.deepEqual(bare, { ...expected, ...unlimited, ...all, updatedAt: bare['updatedAt'] })
  assert.deepEqual(await json('show', 'grown'), bare)
})

test('an expiry can be moved and taken away', async () => {
  await json('create', '--name', 'lasting')
  const limited = await json('set', 'lasting', '--expires', '2099-12-31')
  assert.equal(limited['expiresAt'], '2099-12-31T00:00:00.000Z')
  assert.equal((await json('set', 'lasting', '--expires', 'never'))['expiresAt'], null)
  assert.equal((await json('show', 'lasting'))['expiresAt'], null)
})

test('what a change would make of a key can be seen first', async () => {
  const { id } = await json('create', '--name', 'seen')
  assert.equal((await json('set', id, '--rpm', '7', '--dry-run'))['rpm'], 7)
  assert.equal((await json('show', id))['rpm'], null)
  const { stdout } = await home.command(['keys', 'set', 'seen', '--rpm', '7'])
  assert.equal(stdout, 'seen was changed.\n')
})

test('a key does not get the name of another one, but may keep its own', async () => {
  await Promise.all([json('create', '--name', 'first'), json('create', '--name', 'second')])
  for (const more of [[], ['--dry-run']]) {
    await refused(['set', 'first', '--name', 'second', ...more], 1, /There is a key named second already/)
    assert.equal((await json('set', 'first', '--name', 'first', ...more))['name'], 'first')
  }
})

test('a key that was reset says when, and running proxies are told', async () => {
  const { id } = await json('create', '--name', 'again')
  const revision = () => home.query("SELECT value FROM settings WHERE name = 'revision'")
  const seen = revision()
  const reset = await json('reset', 'again')
  assert.ok(Math.abs(Date.parse(String(reset['resetAt'])) - Date.now()) < 60_000)
  assert.deepEqual(await json('show', id), reset)
  assert.notDeepEqual(revision(), seen)
  const { stdout } = await home.command(['keys', 'reset', 'again'])
  assert.equal(stdout, 'again has got back what it has used of its limits and budgets.\n')
})

test('a change that cannot be made is refused with a sentence', async () => {
  const { id } = await json('create', '--name', 'over')
  await json('revoke', 'over')
  await json('create', '--name', 'here')
  const cases: readonly (readonly [args: readonly string[], status: number, sentence: RegExp])[] = [
    [['set', 'nobody', '--rpm', '5'], 1, /There is no key nobody. tollgate keys list shows them all/],
    [['set', id, '--rpm', '5'], 1, /over was revoked, and that is final/],
    [['reset', id], 1, /over was revoked, and that is final/],
    [['set', 'here'], 2, /name what is to change/],
    [['set', 'here', '--dry-run', '--json'], 2, /name what is to change/],
    [['set', 'here', '--budget-calendar', '--budget-rolling'], 2, /cannot be used with/],
    [['set', 'here', '--tenant-admin', '--tenant-member'], 2, /cannot be used with/],
    [['set', 'here', '--tenant', 'nobody'], 1, /There is no tenant nobody\. tollgate tenants list shows them all/],
    [['set', 'here', '--tenant-admin'], 1, /The admin key of a tenant needs its tenant/],
    [['set', 'here', '--tenant-admin', '--dry-run'], 1, /The admin key of a tenant needs its tenant/],
    [['set', 'here', '--budget-5h', '0'], 2, /at least 0\.000000001/],
    [['set', 'here', '--budget-5h', '-1'], 2, /at least 0\.000000001/],
    [['set', 'here', '--token-limit', '0'], 2, /whole number/],
    [['set', 'here', '--rpm', 'never'], 2, /whole number/],
    [['set', 'here', '--expires', 'none'], 2, /ISO 8601/],
    [['set'], 2, /missing required argument 'key'/],
  ]
  await Promise.all(cases.map(([args, status, sentence]) => refused(args, status, sentence)))
  const { rpm, tokenLimit } = await json('show', 'here')
  assert.deepEqual([rpm, tokenLimit], [null, null])
})
