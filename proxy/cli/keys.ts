import { type Command, Option } from 'commander'
import { createSecret } from '../auth/secret.ts'
import { readConfig } from '../config.ts'
import { ulid } from '../domain/ulid.ts'
import type { Key, KeyFields, KeyFilter, KeySummary } from '../domain/key.ts'
import { keyJson } from '../domain/key-json.ts'
import { type KeyStore, NameTaken, NoLivingKey } from '../store/keys.ts'
import { keyTable } from './key-output.ts'
import { CommandError, type Environment } from './errors.ts'
import { count, instant, nonEmpty, positive } from './option-values.ts'
import { withKeys } from './with-storage.ts'

interface OutputOptions {
  readonly json?: true
  readonly dryRun?: true
}

interface CreateOptions extends OutputOptions {
  readonly name: string
  readonly tokenLimit?: number
  readonly model?: string
  readonly expires?: number
  readonly rpm?: number
  readonly admin?: true
  readonly allowEndpoint?: readonly string[]
}

interface ListOptions extends Omit<KeyFilter, 'now'> {
  readonly json?: true
}

export function addKeyCommands(program: Command, env: Environment): void {
  const keys = program.command('keys').description('Make, list and end API keys. A running proxy notices at once.')
  const withStore = (work: (store: KeyStore) => Promise<void>): Promise<void> =>
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
    .action((name: string, options: OutputOptions) =>
      withStore(async (store) => {
        const key = await find(store, name)
        print(options.json ? JSON.stringify(keyJson(key), null, 2) : keyTable([key]))
      }),
    )

  addStatusCommand(keys, 'disable', 'Refuse a key until it is enabled again.', 'disabled', withStore)
  addStatusCommand(keys, 'enable', 'Let a disabled key in again.', 'active', withStore)
  addStatusCommand(keys, 'revoke', 'End a key for good; its name becomes free.', 'revoked', withStore)

  keys
    .command('rotate <key>')
    .description('Give a key a new secret and print it, this once. The old one is refused at once.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: OutputOptions) =>
      withStore(async (store) => {
        const key = livingKey(await find(store, name))
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
  withStore: (work: (store: KeyStore) => Promise<void>) => Promise<void>,
): void {
  keys
    .command(`${verb} <key>`)
    .description(`${description} The key is given by its name or id.`)
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: OutputOptions) =>
      withStore(async (store) => {
        const key = livingKey(await find(store, name))
        if (!options.dryRun) await store.setStatus(key.id, status)
        const changed = options.dryRun ? key : { ...key, status }
        if (options.json) print(JSON.stringify(keyJson(changed), null, 2))
        else print(options.dryRun ? `${key.name} would be ${status}.` : `${key.name} is ${status}.`)
      }),
    )
}

async function create(store: KeyStore, options: CreateOptions): Promise<void> {
  const fields: KeyFields = {
    name: options.name,
    isAdmin: options.admin ?? false,
    model: options.model ?? null,
    tokenLimit: options.tokenLimit ?? null,
    rpm: options.rpm ?? null,
    expiresAt: options.expires ?? null,
    allowedEndpoints: options.allowEndpoint ?? null,
  }
  const secret = createSecret()
  const id = ulid()
  if (options.dryRun) {
    if (await store.find(fields.name)) throw nameTaken(fields.name)
    const key: Key = { ...fields, id, prefix: secret.prefix, status: 'active', createdAt: Date.now() }
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

function nameTaken(name: string): CommandError {
  return new CommandError(`There is a key named ${name} already. Choose another name, or rotate or revoke that key.`)
}

async function find(store: KeyStore, name: string): Promise<KeySummary> {
  const key = await store.find(name)
  if (!key) throw new CommandError(`There is no key ${name}. tollgate keys list shows them all.`)
  return key
}

function livingKey(key: KeySummary): KeySummary {
  if (key.status === 'revoked') throw new CommandError(`${key.name} was revoked, and that is final. Make a new key.`)
  return key
}

function tellSecret(key: Key, secret: string, { json, dryRun }: OutputOptions): void {
  if (dryRun) print(json ? JSON.stringify(keyJson(key), null, 2) : `${key.name} would get a new secret.`)
  else if (json) print(JSON.stringify({ id: key.id, key: secret, ...keyJson(key) }, null, 2))
  else {
    print(secret)
    process.stderr.write(`This is the key of ${key.name}. Keep it now: it cannot be shown again.\n`)
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
