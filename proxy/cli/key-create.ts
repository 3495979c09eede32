import type { Command } from 'commander'
import { createSecret } from '../auth/secret.ts'
import { type KeyFields, keyProblem } from '../domain/key.ts'
import { keyJson } from '../domain/key-json.ts'
import { NameTaken } from '../domain/key-refusal.ts'
import { ulid } from '../domain/ulid.ts'
import type { KeyStore } from '../store/keys.ts'
import { addBudgetOptions, type BudgetOptions, budgetsOf } from './budget-options.ts'
import { CommandError } from './errors.ts'
import { findTenant, nameTaken, type WithKeyStore } from './find-key.ts'
import { tellSecret } from './key-output.ts'
import { freeText, instant, names, nonEmpty, positive } from './option-values.ts'
import { print, type WriteOptions } from './print.ts'

interface CreateOptions extends WriteOptions, BudgetOptions {
  readonly name: string
  readonly description?: string
  readonly tenant?: string
  readonly tenantAdmin?: true
  readonly tokenLimit?: number
  readonly model?: string
  readonly expires?: number
  readonly rpm?: number
  readonly admin?: true
  readonly allowEndpoint?: readonly string[]
  readonly allowModel?: readonly string[]
  readonly allowChannel?: readonly string[]
}

export function addKeyCreateCommand(keys: Command, withStore: WithKeyStore): void {
  addBudgetOptions(keys.command('create'))
    .description('Make a key and print it, this once: only its hash is kept.')
    .requiredOption('--name <name>', 'who or what it is for; no two living keys share a name', nonEmpty)
    .option('--description <text>', 'for people', freeText)
    .option('--tenant <tenant>', 'the tenant that it and its usage belong to', nonEmpty)
    .option('--tenant-admin', 'it may manage the keys of its tenant, and see their usage')
    .option('--token-limit <tokens>', 'tokens in a rolling five-hour window; without it there is no limit', positive)
    .option(
      '--model <model>',
      'the model of all its chats, messages and responses, whatever the caller asks for',
      nonEmpty,
    )
    .option('--expires <when>', '30m, 12h, 30d, 4w or an ISO 8601 date', instant)
    .option('--rpm <requests>', 'requests per minute; without it there is no limit', positive)
    .option('--allow-endpoint <names...>', 'open these endpoints and no others: messages, files/*, …', names)
    .option('--allow-model <globs...>', 'let it use these models and no others: claude-*, …', names)
    .option('--allow-channel <ids...>', 'let it use these channels and no others', names)
    .option('--admin', 'an admin key: it may read /metrics and administrate')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((options: CreateOptions) => withStore((store) => create(store, options)))
}

async function create(store: KeyStore, options: CreateOptions): Promise<void> {
  const tenant = options.tenant === undefined ? null : await findTenant(store, options.tenant)
  const fields: Required<KeyFields> = {
    name: options.name,
    description: options.description ?? '',
    tenantId: tenant?.id ?? null,
    isTenantAdmin: options.tenantAdmin ?? false,
    isAdmin: options.admin ?? false,
    model: options.model ?? null,
    tokenLimit: options.tokenLimit ?? null,
    rpm: options.rpm ?? null,
    expiresAt: options.expires ?? null,
    allowedEndpoints: options.allowEndpoint ?? null,
    allowedModels: options.allowModel ?? null,
    allowedChannels: options.allowChannel ?? null,
    ...budgetsOf(options),
  }
  const secret = createSecret()
  const id = ulid()
  if (options.dryRun) {
    const problem = keyProblem(fields)
    if (problem !== undefined) throw new CommandError(problem)
    if (await store.find(fields.name)) throw nameTaken(fields.name)
    const dates = { resetAt: null, previousUntil: null, createdAt: Date.now(), updatedAt: Date.now() }
    const key = { ...fields, id, prefix: secret.prefix, status: 'active', tenant, ...dates } as const
    print(options.json ? JSON.stringify(keyJson(key), null, 2) : `A key named ${fields.name} would be made.`)
    return
  }
  try {
    tellSecret(await store.create(id, fields, secret, Date.now()), secret.key, options)
  } catch (error) {
    throw error instanceof NameTaken ? nameTaken(fields.name) : error
  }
}
