import { type Command, Option } from 'commander'
import type { KeyFields } from '../domain/key.ts'
import { keyJson } from '../domain/key-json.ts'
import { type KeyStore, NameTaken } from '../store/keys.ts'
import { findLivingKey, nameTaken, type WithKeyStore } from './find-key.ts'
import { budget, instant, type Limit, nonEmpty, positive, unless } from './option-values.ts'
import { print, type WriteOptions } from './print.ts'

interface SetOptions extends WriteOptions {
  readonly name?: string
  readonly tokenLimit?: Limit<number>
  readonly model?: Limit<string>
  readonly expires?: Limit<number>
  readonly rpm?: Limit<number>
  readonly budget5h?: Limit<number>
  readonly budgetDay?: Limit<number>
  readonly budgetMonth?: Limit<number>
  readonly budgetCalendar?: true
  readonly budgetRolling?: true
}

export function addKeyChangeCommands(keys: Command, withStore: WithKeyStore): void {
  const set = keys.command('set <key>')
  set
    .description('Change a key, given by its name or id, in what is named and nothing else.')
    .option('--name <name>', 'another name', nonEmpty)
    .option('--token-limit <tokens|none>', 'tokens in a rolling five-hour window', unless('none', positive))
    .option('--model <model|none>', 'the model of all its chats, messages and responses', unless('none', nonEmpty))
    .option('--expires <when|never>', '30m, 12h, 30d, 4w or an ISO 8601 date', unless('never', instant))
    .option('--rpm <requests|none>', 'requests per minute', unless('none', positive))
    .option('--budget-5h <usd|none>', 'USD in a rolling five-hour window', unless('none', budget))
    .option('--budget-day <usd|none>', 'USD in a day', unless('none', budget))
    .option('--budget-month <usd|none>', 'USD in a month', unless('none', budget))
    .addOption(
      new Option('--budget-calendar', 'its days and months are those of the calendar, in UTC').conflicts(
        'budgetRolling',
      ),
    )
    .option('--budget-rolling', 'its days and months are the last 24 hours and 30 days')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: SetOptions) => {
      const fields = fieldsOf(options)
      if (Object.keys(fields).length === 0) set.error('error: name what is to change')
      return withStore((store) => change(store, name, fields, options))
    })

  keys
    .command('reset <key>')
    .description('Give a key, given by its name or id, back what it has used of its limits and budgets.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: WriteOptions) => withStore((store) => reset(store, name, options)))
}

function fieldsOf(options: SetOptions): Partial<KeyFields> {
  const { name, tokenLimit, model, expires, rpm, budget5h, budgetDay, budgetMonth, budgetCalendar } = options
  return {
    ...(name !== undefined && { name }),
    ...(tokenLimit && { tokenLimit: tokenLimit.value }),
    ...(model && { model: model.value }),
    ...(expires && { expiresAt: expires.value }),
    ...(rpm && { rpm: rpm.value }),
    ...(budget5h && { budget5h: budget5h.value }),
    ...(budgetDay && { budgetDay: budgetDay.value }),
    ...(budgetMonth && { budgetMonth: budgetMonth.value }),
    ...((budgetCalendar ?? options.budgetRolling) && { budgetIsCalendar: budgetCalendar ?? false }),
  }
}

async function change(
  store: KeyStore,
  name: string,
  fields: Partial<KeyFields>,
  { json, dryRun }: WriteOptions,
): Promise<void> {
  const key = await findLivingKey(store, name)
  const changed = { ...key, ...fields }
  if (dryRun) {
    if (((await store.find(changed.name))?.id ?? key.id) !== key.id) throw nameTaken(changed.name)
  } else {
    await store.change(key.id, fields).catch((error: unknown) => {
      throw error instanceof NameTaken ? nameTaken(changed.name) : error
    })
  }
  if (json) print(JSON.stringify(keyJson(changed), null, 2))
  else print(dryRun ? `${key.name} would be changed.` : `${changed.name} was changed.`)
}

async function reset(store: KeyStore, name: string, { json, dryRun }: WriteOptions): Promise<void> {
  const key = await findLivingKey(store, name)
  const now = Date.now()
  if (!dryRun) await store.reset(key.id, now)
  if (json) print(JSON.stringify(keyJson(dryRun ? key : { ...key, resetAt: now }), null, 2))
  else print(`${key.name} ${dryRun ? 'would get' : 'has got'} back what it has used of its limits and budgets.`)
}
