import { type Command, Option } from 'commander'
import { createSecret } from '../auth/secret.ts'
import { readConfig } from '../config.ts'
import { ConfigRefusal } from '../domain/config-refusal.ts'
import { type Key, type KeyFilter, standings } from '../domain/key.ts'
import { keyJson } from '../domain/key-json.ts'
import { NoLivingKey } from '../domain/key-refusal.ts'
import type { KeyStore } from '../store/keys.ts'
import { CommandError, type Environment } from './errors.ts'
import { findKey, findLivingKey, findTenant, type WithKeyStore } from './find-key.ts'
import { addKeyChangeCommands } from './key-changes.ts'
import { addKeyCreateCommand } from './key-create.ts'
import { keyDetails, keyTable, tellSecret } from './key-output.ts'
import { count, nonEmpty, overlap, positive } from './option-values.ts'
import { print, type WriteOptions } from './print.ts'
import { withKeys } from './with-storage.ts'

interface RotateOptions extends WriteOptions {
  readonly overlap: number
}

interface ListOptions extends Omit<KeyFilter, 'now' | 'tenantId'> {
  readonly tenant?: string
  readonly json?: true
}

export function addKeyCommands(program: Command, env: Environment): void {
  const keys = program
    .command('keys')
    .description('Make, list, change and end API keys. A running proxy notices at once.')
  const withStore: WithKeyStore = (work) =>
    withKeys(readConfig(env), work).catch((error: unknown) => {
      if (error instanceof NoLivingKey) throw new CommandError('The key was revoked meanwhile, and that is final.')
      throw error instanceof ConfigRefusal ? new CommandError(error.message) : error
    })

  addKeyCreateCommand(keys, withStore)

  keys
    .command('list')
    .description('List keys, oldest first.')
    .option('--model <model>', 'only those with this model', nonEmpty)
    .addOption(
      new Option('--state <state>', 'only those that may be used, whose time is over, …').choices([...standings]),
    )
    .option('--tenant <tenant>', 'only those of this tenant', nonEmpty)
    .option('--search <text>', 'only those with this in their names', nonEmpty)
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
        print(options.json ? JSON.stringify(keyJson(key), null, 2) : keyDetails(key))
      }),
    )

  addKeyChangeCommands(keys, withStore)
  addStatusCommand(keys, 'disable', 'Refuse a key until it is enabled again.', 'disabled', withStore)
  addStatusCommand(keys, 'enable', 'Let a disabled key in again.', 'active', withStore)
  addStatusCommand(keys, 'revoke', 'End a key for good; its name becomes free.', 'revoked', withStore)

  keys
    .command('rotate <key>')
    .description('Give a key a new secret and print it, this once. Without --overlap the old one is refused at once.')
    .option('--overlap <duration>', 'how long the old one goes on: 30m, 24h, 7d, at most 30d', overlap, 0)
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, options: RotateOptions) => withStore((store) => rotate(store, name, options)))
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
        const changed = options.dryRun ? key : await findKey(store, key.id)
        if (options.json) print(JSON.stringify(keyJson(changed), null, 2))
        else print(options.dryRun ? `${key.name} would be ${status}.` : `${key.name} is ${status}.`)
      }),
    )
}

async function rotate(store: KeyStore, name: string, options: RotateOptions): Promise<void> {
  const key = await findLivingKey(store, name)
  const secret = createSecret()
  if (!options.dryRun) await store.rotate(key.id, secret, options.overlap)
  const { previousUntil, ...rotated } = options.dryRun ? key : await findKey(store, key.id)
  tellSecret({ ...rotated, previousUntil, prefix: secret.prefix }, secret.key, options)
  if (!options.json && !options.dryRun && previousUntil !== null)
    process.stderr.write(`The old one goes on until ${new Date(previousUntil).toISOString()}.\n`)
}

async function list(store: KeyStore, { json, tenant, ...filter }: ListOptions): Promise<void> {
  const tenantId = tenant === undefined ? {} : { tenantId: (await findTenant(store, tenant)).id }
  const now = Date.now()
  const { keys, total } = await store.list({ ...filter, ...tenantId, now })
  if (json) return print(JSON.stringify(keys.map(keyJson), null, 2))
  print(keys.length === 0 ? noKeys(total) : keyTable(keys, now))
  if (keys.length > 0 && filter.offset + keys.length < total)
    process.stderr.write(`${keys.length} of ${total} keys; --offset shows more.\n`)
}

function noKeys(total: number): string {
  return total === 0 ? 'There are no such keys: tollgate keys create --name …' : `There are only ${total} such keys.`
}
