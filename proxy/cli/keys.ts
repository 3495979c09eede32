import { type Command, Option } from 'commander'
import { createSecret } from '../auth/secret.ts'
import { readConfig } from '../config.ts'
import { ulid } from '../domain/ulid.ts'
import { type Key, type KeyFields, type KeyFilter } from '../domain/key.ts'
import { keyJson } from '../domain/key-json.ts'
import { type KeyStore, NameTaken, NoLivingKey } from '../store/keys.ts'
import { CommandError, type Environment } from './errors.ts'
import { findKey, findLivingKey, nameTaken, type WithKeyStore } from './find-key.ts'
import { addKeyChangeCommands } from './key-changes.ts'
import { keyTable } from './key-output.ts'
import { budget, count, instant, nonEmpty, positive } from './option-values.ts'
import { print, type WriteOptions } from './print.ts'
import { withKeys } from './with-storage.ts'

interface CreateOptions extends WriteOptions {
  readonly name: string
  readonly tokenLimit?: number
  readonly model?: string
  readonly expires?: number
  readonly rpm?: number
  readonly budget5h?: number
  readonly budgetDay?: number
  readonly budgetMonth?: number
  readonly budgetCalendar?: true
  readonly admin?: true
  readonly allowEndpoint?: readonly string[]
}

interface ListOptions extends Omit<KeyFilter, 'now'> {
  readonly json?: true
}

export function addKeyCommands(program: Command, env: Environment): void {
  const keys = program
    .command('keys')
    .description('Make, list, change and end API keys. A running proxy notices at once.')
  const withStore: WithKeyStore = (work) =>
    withKeys(readConfig(env), work).catch((error: unknown) => {
      if (error instanceof NoLivingKey) throw new CommandError('The key was revoked meanwhile, and that is final.')
      throw error
    })

  keys
    .command('create')
    .description('Make a key and print it, this once: only its hash is kept.')
    .requiredOption('--name <name>', 'who or what it is for; no two living keys share a name', nonEmpty)
    .option('--token-limit <tokens>', 'tokens in a rolling five-hour window; without it there is no limit', positive)
    .option(
      '--model <model>',
      'the model of all its chats, messages and responses, whatever the caller asks for',
      nonEmpty,
    )
    .option('--expires <when>', '30m, 12h, 30d, 4w or an ISO 8601 date', instant)
    .option('--rpm <requests>', 'requests per minute; without it there is no limit', positive)
    .option('--budget-5h <usd>', 'USD in a rolling five-hour window; without it there is no limit', budget)
    .option('--budget-day <usd>', 'USD in a day; without it there is no limit', budget)
    .option('--budget-month <usd>', 'USD in a month; without it there is no limit', budget)
    .option(
      '--budget-calendar',
      'its days and months are those of the calendar, in UTC, and not the last 24 hours and 30 days',
    )
    .option('--allow-endpoint <names...>', 'open these endpoints and no others: messages, files/*, …')
    .option('--admin', 'an admin key: it may read /metrics and administrate')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((options: CreateOptions) => withStore((store) => create(store, options)))

  keys
    .command('list')
    .description('List keys, oldest first.')
    .option('--model <model>', 'only those with this model', nonEmpty)
    .addOption(
      new Option('--state <state>', 'only those that may be used, or whose time is over').choices([
        'active',
        'expired',
      ]),
    )
    .option('--limit <keys>', 'at most so many', positive, 1000)
    .option('--offset <keys>', 'without the first so many', count, 0)
    .option('--json', 'print JSON')
    .action((options: ListOptions) => withStore((store) => list(store, options)))

  keys
    .command('show <key>')
    .description('Show one key, by its name or id.')
    .option('--json', 'print JSON')
    .action((name: string, options: WriteOptions) =>
      withStore(async (store) => {
        const key = await findKey(store, name)
        print(options.json ? JSON.stringify(keyJson(key), null, 2) : keyTable([key]))
      }),
    )

  addKeyChangeCommands(keys, withStore)
  addStatusCommand(keys, 'disable', 'Refuse a key until it is enabled again.', 'disabled', withStore)
  addStatusCommand(keys, 'enable', 'Let a disabled key in again.', 'active', withStore)
  addStatusCommand(keys, 'revoke', 'End a key for good; its name becomes free.', 'revoked', withStore)

  keys
    .command('rotate <key>')
    .description('Give a key a new secret and print it, this once. The old one is refused at once.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: WriteOptions) =>
      withStore(async (store) => {
        const key = await findLivingKey(store, name)
        const secret = createSecret()
        if (!options.dryRun) await store.rotate(key.id, secret)
        tellSecret({ ...key, prefix: secret.prefix }, secret.key, options)
      }),
    )
}

function addStatusCommand(
  keys: Command,
  verb: string,
  description: string,
  status: Key['status'],
  withStore: WithKeyStore,
): void {
  keys
    .command(`${verb} <key>`)
    .description(`${description} The key is given by its name or id.`)
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: WriteOptions) =>
      withStore(async (store) => {
        const key = await findLivingKey(store, name)
        if (!options.dryRun) await store.setStatus(key.id, status)
        const changed = options.dryRun ? key : { ...key, status }
        if (options.json) print(JSON.stringify(keyJson(changed), null, 2))
        else print(options.dryRun ? `${key.name} would be ${status}.` : `${key.name} is ${status}.`)
      }),
    )
}

async function create(store: KeyStore, options: CreateOptions): Promise<void> {
  const fields: Required<KeyFields> = {
    name: options.name,
    isAdmin: options.admin ?? false,
    model: options.model ?? null,
    tokenLimit: options.tokenLimit ?? null,
    rpm: options.rpm ?? null,
    expiresAt: options.expires ?? null,
    allowedEndpoints: options.allowEndpoint ?? null,
    budget5h: options.budget5h ?? null,
    budgetDay: options.budgetDay ?? null,
    budgetMonth: options.budgetMonth ?? null,
    budgetIsCalendar: options.budgetCalendar ?? false,
  }
  const secret = createSecret()
  const id = ulid()
  if (options.dryRun) {
    if (await store.find(fields.name)) throw nameTaken(fields.name)
    const key: Key = { ...fields, id, prefix: secret.prefix, status: 'active', resetAt: null, createdAt: Date.now() }
    print(options.json ? JSON.stringify(keyJson(key), null, 2) : `A key named ${fields.name} would be made.`)
    return
  }
  try {
    tellSecret(await store.create(id, fields, secret, Date.now()), secret.key, options)
  } catch (error) {
    throw error instanceof NameTaken ? nameTaken(fields.name) : error
  }
}

async function list(store: KeyStore, { json, ...filter }: ListOptions): Promise<void> {
  const { keys, total } = await store.list({ ...filter, now: Date.now() })
  if (json) return print(JSON.stringify(keys.map(keyJson), null, 2))
  print(keys.length === 0 ? noKeys(total) : keyTable(keys))
  if (keys.length > 0 && filter.offset + keys.length < total)
    process.stderr.write(`${keys.length} of ${total} keys; --offset shows more.\n`)
}

function noKeys(total: number): string {
  return total === 0 ? 'There are no such keys: tollgate keys create --name …' : `There are only ${total} such keys.`
}

function tellSecret(key: Key, secret: string, { json, dryRun }: WriteOptions): void {
  if (dryRun) print(json ? JSON.stringify(keyJson(key), null, 2) : `${key.name} would get a new secret.`)
  else if (json) print(JSON.stringify({ id: key.id, key: secret, ...keyJson(key) }, null, 2))
  else {
    print(secret)
    process.stderr.write(`This is the key of ${key.name}. Keep it now: it cannot be shown again.\n`)
  }
}
