import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createHome, type Home } from '../../support/gateway.ts'

interface Printed {
  readonly id: string
  readonly name: string
  readonly [field: string]: unknown
}

let home: Home

before(async () => {
  home = await createHome()
})
after(() => home.remove())

/** What a command prints with `--json`, where it has to succeed. */
async function json<Answer = Printed>(...args: string[]): Promise<Answer> {
  const { status, stdout, stderr } = await home.command([...args, '--json'])
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Answer // safe: --json's contract, which the test looks at
}

async function says(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await home.command(args)
  assert.deepEqual([status, stderr], [0, ''])
  return stdout
}

test('a tenant is made, listed, changed and removed', async () => {
  assert.equal(await says('tenants', 'list'), 'There are no tenants: tollgate tenants create --name …\n')
  const budgets = ['--budget-5h', '2.5', '--budget-month', '100', '--budget-calendar']
  const made = await json('tenants', 'create', '--name', 'acme', '--description', 'who pays', ...budgets)
  const { id, createdAt, updatedAt, ...rest } = made
  assert.match(id, /^[0-9A-Z]{26}$/)
  assert.ok(Math.abs(Date.parse(String(createdAt)) - Date.now()) < 60_000)
  assert.equal(updatedAt, createdAt)
  const expected = {
    name: 'acme',
    description: 'who pays',
    status: 'active',
    budget5hUsd: '2.50',
    budgetDayUsd: null,
    budgetMonthUsd: '100.00',
    budgetIsCalendar: true,
    resetAt: null,
  }
  assert.deepEqual(rest, expected)
  assert.equal(await says('tenants', 'create', '--name', 'bare'), 'The tenant bare was made.\n')
  const table = await says('tenants', 'list')
  assert.match(table, /^NAME +STATUS +BUDGET IN USD +DESCRIPTION +ID$/m)
  assert.match(table, /^acme +active +2\.50\/5h 100\.00\/month calendar +who pays +\w{26}$/m)
  assert.match(table, /^bare +active +- +- +\w{26}$/m)

  const limits = ['--budget-5h', 'none', '--budget-day', '1', '--budget-rolling', '--status', 'disabled']
  const changed = await json('tenants', 'set', 'acme', '--name', 'acme & co', '--description', '', ...limits)
  const other = { name: 'acme & co', description: '', status: 'disabled', budget5hUsd: null, budgetDayUsd: '1.00' }
  const expectedNow = { ...made, ...other, budgetIsCalendar: false, updatedAt: changed['updatedAt'] }
  assert.deepEqual(changed, expectedNow)
  assert.deepEqual((await json<Printed[]>('tenants', 'list'))[0], expectedNow)
  assert.equal(await says('tenants', 'remove', id), 'acme & co was removed.\n')
  assert.deepEqual(
    (await json<Printed[]>('tenants', 'list')).map(({ name }) => name),
    ['bare'],
  )
})

test('a key belongs to a tenant that is given by its name or its id, and can be moved', async () => {
  const [one, two] = [
    await json('tenants', 'create', '--name', 'one'),
    await json('tenants', 'create', '--name', 'two'),
  ]
  const made = await json('keys', 'create', '--name', 'owned', '--tenant', 'one', '--tenant-admin')
  assert.deepEqual([made['tenantId'], made['tenant'], made['isTenantAdmin']], [one.id, 'one', true])
  assert.match(await says('keys', 'list', '--tenant', one.id), /^owned +tg_\w{7}… +active +one \(admin\) /m)
  const moved = await json('keys', 'set', 'owned', '--tenant', two.id, '--tenant-member')
  assert.deepEqual([moved['tenantId'], moved['tenant'], moved['isTenantAdmin']], [two.id, 'two', false])
  assert.deepEqual(await json<Printed[]>('keys', 'list', '--tenant', 'one'), [])
  assert.equal((await json('keys', 'set', 'owned', '--tenant', 'one', '--dry-run'))['tenant'], 'one')
  assert.equal((await json('keys', 'show', 'owned'))['tenant'], 'two')
  assert.equal((await json('keys', 'set', 'owned', '--tenant', 'none'))['tenantId'], null)
})

test('a dry run says what would happen, and nothing does', async () => {
  const { id } = await json('tenants', 'create', '--name', 'untouched')
  const rows = () => home.query('SELECT tenants.*, value FROM tenants, settings ORDER BY id, value')
  const rowsBefore = rows()
  assert.equal(await says('tenants', 'create', '--name', 'new', '--dry-run'), 'A tenant named new would be made.\n')
  assert.equal(await says('tenants', 'set', id, '--name', 'x', '--dry-run'), 'untouched would be changed.\n')
  assert.equal(await says('tenants', 'remove', id, '--dry-run'), 'untouched would be removed.\n')
  assert.equal((await json('tenants', 'set', id, '--status', 'disabled', '--dry-run'))['status'], 'disabled')
  assert.deepEqual(rows(), rowsBefore)
})

test('what cannot be done is refused with a sentence, in a dry run, too', async () => {
  await json('tenants', 'create', '--name', 'taken')
  await json('tenants', 'create', '--name', 'busy')
  await json('keys', 'create', '--name', 'revoked', '--tenant', 'busy')
  await json('keys', 'revoke', 'revoked')
  const cases: readonly (readonly [args: readonly string[], status: number, sentence: RegExp])[] = [
    [['tenants', 'create', '--name', 'taken'], 1, /There is a tenant of this name already/],
    [['tenants', 'set', 'busy', '--name', 'taken'], 1, /There is a tenant of this name already/],
    [['tenants', 'remove', 'busy'], 1, /The tenant has keys, .* --status disabled/],
    [['tenants', 'set', 'nobody', '--budget-day', '1'], 1, /There is no tenant nobody\. tollgate tenants list/],
    [['tenants', 'remove', 'nobody'], 1, /There is no tenant nobody/],
    [['keys', 'create', '--name', 'x', '--tenant', 'nobody'], 1, /There is no tenant nobody/],
    [['keys', 'create', '--name', 'x', '--tenant-admin'], 1, /The admin key of a tenant needs its tenant/],
    [['keys', 'create', '--name', 'x', '--tenant', 'busy', '--tenant-admin', '--admin'], 1, /and not both/],
    [['tenants', 'set', 'busy'], 2, /name what is to change/],
    [['tenants', 'set', 'busy', '--status', 'gone'], 2, /Allowed choices are active, disabled/],
    [['tenants', 'create'], 2, /--name/],
  ]
  const refused = async (args: readonly string[], expected: number, sentence: RegExp): Promise<void> => {
    const { status, stdout, stderr } = await home.command(args)
    assert.match(stderr, sentence)
    assert.deepEqual([status, stdout], [expected, ''], stderr)
    assert.doesNotMatch(stderr, /^\s+at /m, 'no stack')
  }
  await Promise.all(
    cases.flatMap(([args, expected, sentence]) => [
      refused(args, expected, sentence),
      ...(expected === 1 ? [refused([...args, '--dry-run'], expected, sentence)] : []),
    ]),
  )
})
