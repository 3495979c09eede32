import { type Command, Option } from 'commander'
import { readConfig } from '../config.ts'
import { tenantJson } from '../domain/key-json.ts'
import { NoSuchTenant, TenantInUse, TenantNameTaken } from '../domain/key-refusal.ts'
import { PLAIN_TENANT, type Tenant, type TenantFields } from '../domain/tenant.ts'
import { ulid } from '../domain/ulid.ts'
import type { KeyStore } from '../store/keys.ts'
import {
  addBudgetChangeOptions,
  addBudgetOptions,
  type BudgetChangeOptions,
  budgetChangesOf,
  type BudgetOptions,
  budgetsOf,
} from './budget-options.ts'
import { columns } from './columns.ts'
import { CommandError, type Environment } from './errors.ts'
import { findTenant, type WithKeyStore } from './find-key.ts'
import { budgetText } from './key-output.ts'
import { freeText, nonEmpty } from './option-values.ts'
import { print, type WriteOptions } from './print.ts'
import { withKeys } from './with-storage.ts'

interface CreateOptions extends WriteOptions, BudgetOptions {
  readonly name: string
  readonly description?: string
}

interface SetOptions extends WriteOptions, BudgetChangeOptions {
  readonly name?: string
  readonly description?: string
  readonly status?: Tenant['status']
}

export function addTenantCommands(program: Command, env: Environment): void {
  const tenants = program
    .command('tenants')
    .description('Make, list, change and remove tenants, to whom keys belong. A running proxy notices at once.')
  const withStore: WithKeyStore = (work) => withKeys(readConfig(env), work)

  addBudgetOptions(tenants.command('create'))
    .description('Make a tenant.')
    .requiredOption('--name <name>', 'no two tenants share a name', nonEmpty)
    .option('--description <text>', 'for people', freeText)
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((options: CreateOptions) => withStore((store) => create(store, options)))

  tenants
    .command('list')
    .description('List tenants, oldest first.')
    .option('--json', 'print JSON')
    .action(({ json }: WriteOptions) =>
      withStore(async (store) => {
        const all = await store.tenants.list()
        if (json) print(JSON.stringify(all.map(tenantJson), null, 2))
        else print(all.length === 0 ? 'There are no tenants: tollgate tenants create --name …' : tenantTable(all))
      }),
    )

  const set = tenants.command('set <tenant>')
  addBudgetChangeOptions(set)
    .description('Change a tenant, given by its name or id, in what is named and nothing else.')
    .option('--name <name>', 'another name', nonEmpty)
    .option('--description <text>', 'for people', freeText)
    .addOption(
      new Option('--status <status>', 'disabled refuses all its keys until it is active again').choices([
        'active',
        'disabled',
      ]),
    )
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: SetOptions) => {
      const changes = changesOf(options)
      if (Object.keys(changes).length === 0) set.error('error: name what is to change')
      return withStore((store) => change(store, name, changes, options))
    })

  tenants
    .command('reset <tenant>')
    .description('Give a tenant, given by its name or id, back what its keys have used of its budgets.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: WriteOptions) => withStore((store) => reset(store, name, options)))

  tenants
    .command('remove <tenant>')
    .description('Remove a tenant, given by its name or id, that has no keys, not even revoked ones.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: WriteOptions) => withStore((store) => remove(store, name, options)))
}

function changesOf(options: SetOptions): Partial<TenantFields> {
  const { name, description: text, status } = options
  return {
    ...(name !== undefined && { name }),
    ...(text !== undefined && { description: text }),
    ...(status !== undefined && { status }),
    ...budgetChangesOf(options),
  }
}

async function create({ tenants }: KeyStore, options: CreateOptions): Promise<void> {
  const { name, json, dryRun } = options
  const fields = { ...PLAIN_TENANT, name, description: options.description ?? '', ...budgetsOf(options) }
  const id = ulid()
  const now = Date.now()
  if (dryRun) await refuseTaken(tenants, name, id)
  const tenant = dryRun
    ? { ...fields, id, resetAt: null, createdAt: now, updatedAt: now }
    : await tenants.create(id, fields, now).catch(toCommandError)
  if (json) print(JSON.stringify(tenantJson(tenant), null, 2))
  else print(dryRun ? `A tenant named ${name} would be made.` : `The tenant ${name} was made.`)
}

async function change(
  store: KeyStore,
  name: string,
  changes: Partial<TenantFields>,
  { json, dryRun }: WriteOptions,
): Promise<void> {
  const tenant = await findTenant(store, name)
  if (dryRun) await refuseTaken(store.tenants, changes.name ?? tenant.name, tenant.id)
  else await store.tenants.update(tenant.id, changes).catch(toCommandError)
  const changed = dryRun ? { ...tenant, ...changes } : await findTenant(store, tenant.id)
  if (json) print(JSON.stringify(tenantJson(changed), null, 2))
  else print(dryRun ? `${tenant.name} would be changed.` : `${changed.name} was changed.`)
}

async function reset(store: KeyStore, name: string, { json, dryRun }: WriteOptions): Promise<void> {
  const tenant = await findTenant(store, name)
  if (!dryRun) await store.tenants.reset(tenant.id).catch(toCommandError)
  if (json) print(JSON.stringify(tenantJson(dryRun ? tenant : await findTenant(store, tenant.id)), null, 2))
  else print(`${tenant.name} ${dryRun ? 'would get' : 'has got'} back what its keys have used of its budgets.`)
}

async function remove(store: KeyStore, name: string, { json, dryRun }: WriteOptions): Promise<void> {
  const tenant = await findTenant(store, name)
  if (dryRun) {
    const { total } = await store.list({ tenantId: tenant.id, now: Date.now(), limit: 1, offset: 0 })
    if (total > 0) throw inUse()
  } else await store.tenants.remove(tenant.id).catch(toCommandError)
  if (json) print(JSON.stringify(tenantJson(tenant), null, 2))
  else print(`${tenant.name} ${dryRun ? 'would be' : 'was'} removed.`)
}

async function refuseTaken(tenants: KeyStore['tenants'], name: string, id: string): Promise<void> {
  if (((await tenants.find(name))?.id ?? id) !== id) throw nameTaken()
}

function toCommandError(error: unknown): never {
  if (error instanceof TenantNameTaken) throw nameTaken()
  if (error instanceof TenantInUse) throw inUse()
  throw error instanceof NoSuchTenant ? new CommandError('The tenant was removed meanwhile.') : error
}

function nameTaken(): CommandError {
  return new CommandError('There is a tenant of this name already. Choose another name.')
}

function inUse(): CommandError {
  return new CommandError(
    'The tenant has keys, if only revoked ones, whose usage it keeps. Disable it: tollgate tenants set … --status disabled',
  )
}

function tenantTable(tenants: readonly Tenant[]): string {
  const header = ['NAME', 'STATUS', 'BUDGET IN USD', 'DESCRIPTION', 'ID']
  const rows = tenants.map((tenant) => [
    tenant.name,
    tenant.status,
    budgetText(tenant),
    tenant.description || '-',
    tenant.id,
  ])
  return columns([header, ...rows])
}
