import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createHome, type Home } from '../../support/gateway.ts'

const SECRET = /^tg_[A-Za-z0-9]{40}$/
const SECONDS_30_DAYS = 30 * 86_400

interface Printed {
  readonly id: string
  readonly key?: string
  readonly name: string
  readonly status: string
  readonly [field: string]: unknown
}

let home: Home

before(async () => {
  home = await createHome()
})
after(() => home.remove())

/** What a command prints with `--json`, where it has to succeed. */
async function json<Answer = Printed>(...args: string[]): Promise<Answer> {
  const { status, stdout, stderr } = await home.command(['keys', ...args, '--json'])
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Answer // safe: --json's contract, which the test looks at
}

async function refused(args: readonly string[], expectedStatus: number, sentence: RegExp): Promise<void> {
  const { status, stdout, stderr } = await home.command(['keys', ...args])
  assert.match(stderr, sentence)
  assert.equal(status, expectedStatus, stderr)
  assert.equal(stdout, '', 'nothing that a script could take for a key')
  assert.doesNotMatch(stderr, /^\s+at /m, 'no stack')
}

const statuses = () => home.query<{ name: string; status: string }>('SELECT name, status FROM api_keys ORDER BY id')

test('a new key is printed alone on standard output, for scripts, and the advice beside it', async () => {
  const { status, stdout, stderr } = await home.cli(['keys', 'create', '--name', 'plain'])
  assert.equal(status, 0)
  assert.match(stdout.trimEnd(), SECRET)
  assert.match(stderr, /key of plain.*cannot be shown again/)
})

test('a key has what was asked for, and nothing is limited that was not', async () => {
  const limits = ['--token-limit', '100000', '--rpm', '60', '--model', 'glm-4.7', '--expires', '30d']
  const budgets = ['--budget-5h', '2.5', '--budget-day', '.000000001', '--budget-month', '1000', '--budget-calendar']
  const lists = ['--allow-endpoint', 'messages', 'files/*', '--allow-model', 'claude-*', '--allow-model', 'gpt-5']
  const more = [...budgets, '--admin', ...lists, '--allow-channel', '0a1b2c3d', '--description', ' Of "Ü" ']
  const full = await json('create', '--name', 'full', ...limits, ...more)
  assert.match(full.key ?? '', SECRET)
  const expiresAt = Date.parse(String(full['expiresAt']))
  assert.ok(Math.abs(expiresAt - Date.now() - SECONDS_30_DAYS * 1000) < 60_000)
  const { id, key, prefix, createdAt, updatedAt, expiresAt: _, ...rest } = full
  assert.match(id, /^[0-9A-Z]{26}$/)
  assert.equal(prefix, key?.slice(0, 10))
  assert.ok(Math.abs(Date.parse(String(createdAt)) - Date.now()) < 60_000)
  assert.equal(updatedAt, createdAt)
  assert.deepEqual(rest, {
    name: 'full',
    description: 'Of "Ü"',
    keyPrefix: `${prefix}...`,
    status: 'active',
    isAdmin: true,
    tenantId: null,
    tenant: null,
    isTenantAdmin: false,
    model: 'glm-4.7',
    tokenLimit: 100_000,
    rpm: 60,
    rateLimitRpm: 60,
    budget5hUsd: '2.50',
    budgetDayUsd: '0.000000001',
    budgetMonthUsd: '1000.00',
    budgetIsCalendar: true,
    allowedEndpoints: ['messages', 'files/*'],
    allowedModels: ['claude-*', 'gpt-5'],
    allowedChannels: ['0a1b2c3d'],
    previousUntil: null,
    resetAt: null,
    lastUsedAt: null,
    lifetimeTokens: 0,
  })
  const bare = await json('create', '--name', 'bare')
  const { tokenLimit, rpm, model, expiresAt: never, allowedEndpoints, isAdmin } = bare
  assert.deepEqual([tokenLimit, rpm, model, never, allowedEndpoints, isAdmin], [null, null, null, null, null, false])
  assert.deepEqual([bare['allowedModels'], bare['allowedChannels'], bare['description']], [null, null, ''])
  const { budget5hUsd, budgetDayUsd, budgetMonthUsd, budgetIsCalendar } = bare
  assert.deepEqual([budget5hUsd, budgetDayUsd, budgetMonthUsd, budgetIsCalendar], [null, null, null, false])
})

test('no secret is in the database or in any other file', async () => {
  const { key = '', id } = await json('create', '--name', 'hidden')
  const { key: rotated = '' } = await json('rotate', 'hidden')
  for (const file of await readdir(home.path, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const bytes = await readFile(join(file.parentPath, file.name), 'latin1')
    // All that is kept is the prefix: what follows it must be nowhere.
    for (const secret of [key, rotated]) assert.ok(!bytes.includes(secret.slice(10, 30)), file.name)
  }
  const [row] = home.query<{ prefix: string; hash: string }>('SELECT prefix, hash FROM api_keys WHERE id = ?', id)
  assert.equal(row?.prefix, rotated.slice(0, 10))
  assert.match(row.hash, /^[0-9a-f]{64}$/)
})

test('keys are listed for people and for programs, without their secrets', async () => {
  await json('create', '--name', 'listed', '--token-limit', '1234567', '--admin')
  await json('create', '--name', 'thrifty', '--budget-5h', '2.5', '--budget-month', '10', '--budget-calendar')
  await json('create', '--name', 'rolling', '--budget-day', '0.125')
  const { stdout } = await home.command(['keys', 'list'])
  const header =
    /^NAME +PREFIX +STATUS +TENANT +TOKENS\/5H +RPM +BUDGET IN USD +MODEL +EXPIRES +TOKENS USED +LAST USED +ID$/m
  assert.match(stdout, header)
  assert.match(stdout, /^listed \(admin\) +tg_\w{7}… +active +- +1,234,567 +- +- +- +- +0 +- +\w{26}$/m)
  assert.match(stdout, /^thrifty .* 2\.50\/5h 10\.00\/month calendar +-/m)
  assert.match(stdout, /^rolling .* 0\.125\/day +-/m)
  const all = await json<Printed[]>('list')
  assert.ok(all.some(({ name }) => name === 'listed'))
  assert.ok(all.every((key) => key.key === undefined && !('hash' in key)))
})

test('a key is shown by its name and by its id', async () => {
  const { id } = await json('create', '--name', 'shown', '--allow-model', 'claude-*', 'gpt-5')
  assert.equal((await json('show', 'shown')).id, id)
  assert.equal((await json('show', id)).name, 'shown')
  const { stdout } = await home.command(['keys', 'show', 'shown'])
  assert.match(stdout, /^name +shown$/m)
  assert.match(stdout, /^allowedModels +claude-\* gpt-5$/m)
  assert.doesNotMatch(stdout, /null|tokenLimit|keyPrefix|isAdmin/, 'what is not said of it is left out')
})

test('a disabled key can be enabled again, and doing it twice is doing it once', async () => {
  await json('create', '--name', 'sleeper')
  assert.equal((await json('disable', 'sleeper')).status, 'disabled')
  assert.equal((await json('disable', 'sleeper')).status, 'disabled')
  assert.equal((await json('show', 'sleeper')).status, 'disabled')
  const { stdout } = await home.command(['keys', 'enable', 'sleeper'])
  assert.equal(stdout, 'sleeper is active.\n')
  assert.equal((await json('show', 'sleeper')).status, 'active')
})

test('a revoked key is revoked for good, and its name is free again', async () => {
  const first = await json('create', '--name', 'ended')
  assert.equal((await json('revoke', 'ended')).status, 'revoked')
  await Promise.all([
    refused(['enable', first.id], 1, /ended was revoked, and that is final/),
    refused(['rotate', first.id], 1, /final/),
    refused(['disable', 'ended'], 1, /There is no key ended/),
  ])
  const second = await json('create', '--name', 'ended')
  assert.notEqual(second.id, first.id)
  const [named, ended] = await Promise.all([json('show', 'ended'), json('show', first.id)])
  assert.deepEqual([named.id, ended.status], [second.id, 'revoked'])
})

test('a rotated key is the same key with another secret', async () => {
  const original = await json('create', '--name', 'turned', '--rpm', '5')
  const hashes = () => home.query<{ hash: string }>("SELECT hash FROM api_keys WHERE name = 'turned'")
  const [old] = hashes()
  const turned = await json('rotate', 'turned')
  assert.equal(turned.id, original.id)
  assert.equal(turned['rpm'], 5)
  assert.match(turned.key ?? '', SECRET)
  assert.notEqual(turned.key, original.key)
  assert.notEqual(hashes()[0]?.hash, old?.hash)
})

test('an old secret goes on for as long as was asked for, and no longer than a month', async () => {
  const { id } = await json('create', '--name', 'overlapping')
  const { stdout, stderr } = await home.command(['keys', 'rotate', 'overlapping', '--overlap', '24h'])
  assert.match(stdout.trimEnd(), SECRET)
  const shown = await json('show', id)
  const until = String(shown['previousUntil'])
  assert.ok(Math.abs(Date.parse(until) - Date.now() - 86_400_000) < 60_000)
  assert.ok(stderr.endsWith(`The old one goes on until ${until}.\n`), stderr)
  assert.equal((await json('rotate', id, '--overlap', '30d', '--dry-run'))['previousUntil'], until)
  assert.equal((await json('rotate', id, '--overlap', '0'))['previousUntil'], null)
  await Promise.all(
    ['31d', '-1h', '1', 'never', ''].map((value) =>
      refused(['rotate', id, `--overlap=${value}`], 2, /at most 30 days/),
    ),
  )
})

test('two living keys do not share a name', async () => {
  await json('create', '--name', 'taken')
  await refused(['create', '--name', 'taken', '--dry-run'], 1, /There is a key named taken already/)
  await json('disable', 'taken')
  await refused(['create', '--name', 'taken'], 1, /There is a key named taken already/)
})

test('a dry run says what would happen, and nothing does', async () => {
  const { id } = await json('create', '--name', 'untouched')
  const rows = () => home.query('SELECT * FROM api_keys ORDER BY id')
  const revision = () => home.query("SELECT value FROM settings WHERE name = 'revision'")
  const [rowsBefore, revisionBefore] = [rows(), revision()]

  const said = new Map<string, string>()
  for (const args of [
    ['create', '--name', 'new'],
    ['disable', id],
    ['revoke', id],
    ['rotate', id],
    ['set', id, '--rpm', '5'],
    ['reset', id],
  ]) {
    const { status, stdout, stderr } = await home.command(['keys', ...args, '--dry-run'])
    assert.deepEqual([status, stderr], [0, ''])
    said.set(args[0] ?? '', stdout.trimEnd())
  }
  assert.deepEqual(Object.fromEntries(said), {
    create: 'A key named new would be made.',
    disable: 'untouched would be disabled.',
    revoke: 'untouched would be revoked.',
    rotate: 'untouched would get a new secret.',
    set: 'untouched would be changed.',
    reset: 'untouched would get back what it has used of its limits and budgets.',
  })
  const [made, turned, ended, given] = await Promise.all([
    json('create', '--name', 'new', '--dry-run'),
    json('rotate', id, '--dry-run'),
    json('revoke', id, '--dry-run'),
    json('reset', id, '--dry-run'),
  ])
  assert.deepEqual([made.key, turned.key, ended.status, given['resetAt']], [undefined, undefined, 'active', null])
  assert.deepEqual([rows(), revision()], [rowsBefore, revisionBefore])
})

test('a key that does not exist is a failure that says where to look', async () => {
  await Promise.all(
    ['show', 'disable', 'enable', 'revoke', 'rotate', 'reset'].map((verb) =>
      refused([verb, 'nobody'], 1, /There is no key nobody. tollgate keys list shows them all/),
    ),
  )
})

/** Each by its option; option-values.test.ts has the values. */
const wrong: readonly (readonly [args: readonly string[], sentence: RegExp])[] = [
  [['create', '--name', 'two\nlines'], /printable/],
  [['create', '--name', 'wrong', '--model', ' '], /printable/],
  [['create', '--name', 'wrong', '--token-limit', '0'], /whole number/],
  [['create', '--name', 'wrong', '--rpm', '1.5'], /whole number/],
  [['create', '--name', 'wrong', '--expires', 'tomorrow'], /ISO 8601/],
  [['create', '--name', 'wrong', '--expires', '2001-01-01'], /in the past/],
  [['create', '--name', 'wrong', '--budget-day', '0'], /Give USD such as 2\.50/],
  [['create', '--name', 'wrong', '--allow-model', ' '], /printable/],
  [['create', '--name', 'wrong', '--description', 'x'.repeat(1001)], /at most 1000 printable/],
  [['create', '--name', 'wrong', '--colour', 'red'], /unknown option '--colour'/],
  [['create'], /--name/],
  [['show'], /missing required argument 'key'/],
]

test('what an option cannot be is wrong usage, and the message says why', async () => {
  const count = statuses().length
  await Promise.all(wrong.map(([args, sentence]) => refused(args, 2, sentence)))
  assert.equal(statuses().length, count)
})
