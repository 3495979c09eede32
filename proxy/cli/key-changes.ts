import { type Command, Option } from 'commander'
import { type KeyChanges, keyProblem } from '../domain/key.ts'
import { keyJson } from '../domain/key-json.ts'
import { NameTaken } from '../domain/key-refusal.ts'
import type { KeyStore } from '../store/keys.ts'
import { addBudgetChangeOptions, type BudgetChangeOptions, budgetChangesOf } from './budget-options.ts'
import { CommandError } from './errors.ts'
import { findKey, findLivingKey, findTenant, nameTaken, type WithKeyStore } from './find-key.ts'
import { freeText, instant, type Limit, names, nonEmpty, positive, unless } from './option-values.ts'
import { print, type WriteOptions } from './print.ts'

interface SetOptions extends WriteOptions, BudgetChangeOptions {
  readonly name?: string
  readonly description?: string
  readonly tenant?: Limit<string>
  readonly tenantAdmin?: true
  readonly tenantMember?: true
  readonly tokenLimit?: Limit<number>
  readonly model?: Limit<string>
  readonly expires?: Limit<number>
  readonly rpm?: Limit<number>
  readonly allowEndpoint?: readonly string[]
  readonly allowModel?: readonly string[]
  readonly allowChannel?: readonly string[]
}

export function addKeyChangeCommands(keys: Command, withStore: WithKeyStore): void {
  const set = keys.command('set <key>')
  addBudgetChangeOptions(set)
    .description('Change a key, given by its name or id, in what is named and nothing else.')
    .option('--name <name>', 'another name', nonEmpty)
    .option('--description <text>', 'for people', freeText)
    .option('--tenant <tenant|none>', 'the tenant that it and its usage belong to', unless('none', nonEmpty))
    .addOption(
      new Option('--tenant-admin', 'it may manage the keys of its tenant, and see their usage').conflicts(
        'tenantMember',
      ),
    )
    .option('--tenant-member', 'it may not')
    .option('--token-limit <tokens|none>', 'tokens in a rolling five-hour window', unless('none', positive))
    .option('--model <model|none>', 'the model of all its chats, messages and responses', unless('none', nonEmpty))
    .option('--expires <when|never>', '30m, 12h, 30d, 4w or an ISO 8601 date', unless('never', instant))
    .option('--rpm <requests|none>', 'requests per minute', unless('none', positive))
    .option('--allow-endpoint <names...>', 'open these endpoints and no others; none is those that keep nothing', names)
    .option('--allow-model <globs...>', 'let it use these models and no others; none is all', names)
    .option('--allow-channel <ids...>', 'let it use these channels and no others; none is all', names)
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: SetOptions) => {
      const changes = changesOf(options)
      if (Object.keys(changes).length === 0 && !options.tenant) set.error('error: name what is to change')
      return withStore((store) => change(store, name, changes, options))
    })

  keys
    .command('reset <key>')
    .description('Give a key, given by its name or id, back what it has used of its limits and budgets.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: WriteOptions) => withStore((store) => reset(store, name, options)))
}

/** But for the tenant, which has to be looked up. */
function changesOf(options: SetOptions): KeyChanges {
  const { name, tokenLimit, model, expires, rpm, tenantAdmin, tenantMember } = options
  return {
    ...(name !== undefined && { name }),
    ...(options.description !== undefined && { description: options.description }),
    ...((tenantAdmin ?? tenantMember) && { isTenantAdmin: tenantAdmin ?? false }),
    ...(tokenLimit && { tokenLimit: tokenLimit.value }),
    ...(model && { model: model.value }),
    ...(expires && { expiresAt: expires.value }),
    ...(rpm && { rpm: rpm.value }),
    ...(options.allowEndpoint && { allowedEndpoints: unlessNone(options.allowEndpoint) }),
    ...(options.allowModel && { allowedModels: unlessNone(options.allowModel) }),
    ...(options.allowChannel && { allowedChannels: unlessNone(options.allowChannel) }),
    ...budgetChangesOf(options),
  }
}

function unlessNone(list: readonly string[]): readonly string[] | null {
  return list.length === 1 && list[0] === 'none' ? null : list
}

async function change(
  store: KeyStore,
  name: string,
  changes: KeyChanges,
  { json, dryRun, tenant }: SetOptions,
): Promise<void> {
  const key = await findLivingKey(store, name)
  const owner = tenant?.value ? await findTenant(store, tenant.value) : null
  const all = { ...changes, ...(tenant && { tenantId: owner?.id ?? null }) }
  let changed = { ...key, ...all, ...(tenant && { tenant: owner }) }
  if (dryRun) {
    const problem = keyProblem(changed)
    if (problem !== undefined) throw new CommandError(problem)
    if (((await store.find(changed.name))?.id ?? key.id) !== key.id) throw nameTaken(changed.name)
  } else {
    await store.update(key.id, all).catch((error: unknown) => {
      throw error instanceof NameTaken ? nameTaken(changed.name) : error
    })
    changed = await findKey(store, key.id)
  }
  if (json) print(JSON.stringify(keyJson(changed), null, 2))
  else print(dryRun ? `${key.name} would be changed.` : `${changed.name} was changed.`)
}

async function reset(store: KeyStore, name: string, { json, dryRun }: WriteOptions): Promise<void> {
  const key = await findLivingKey(store, name)
  if (!dryRun) await store.reset(key.id)
  if (json) print(JSON.stringify(keyJson(dryRun ? key : await findKey(store, key.id)), null, 2))
  else print(`${key.name} ${dryRun ? 'would get' : 'has got'} back what it has used of its limits and budgets.`)
}
