import { type Command, Option } from 'commander'
import type { ChannelDesk } from '../channel-desk.ts'
import { balances, pools, serviceTypes } from '../domain/channel.ts'
import type { Environment } from './errors.ts'
import { findChannel, type WithChannels } from './find-channel.ts'
import { count, freeText, type Limit, names, nonEmpty, positive, unless } from './option-values.ts'
import { print, type WriteOptions } from './print.ts'
import { type KeySources, readDocument, readKeys } from './read-input.ts'

interface FieldOptions extends WriteOptions, KeySources {
  readonly file?: string
  readonly pool?: string
  readonly name?: string
  readonly type?: string
  readonly baseUrl?: string
  readonly description?: string
  readonly models?: readonly string[]
  readonly priority?: number
  readonly rpm?: Limit<number>
  readonly keyBalance?: string
  readonly removeKey?: readonly string[]
}

const AS_POOL = 'pool'

export function addChannelChangeCommands(channels: Command, env: Environment, withDesk: WithChannels): void {
  addFieldOptions(channels.command('create'))
    .description('Make a channel, at the end of its pool. --file takes what the options do not know.')
    .addOption(new Option('--pool <pool>', 'whose calls it serves; it stays').choices(pools))
    .action(async (options: FieldOptions) => {
      const { apiKeys = [], ...document } = await documentOf(options)
      const keys = await readKeys(options, env)
      const isList = Array.isArray(apiKeys)
      const body = { ...document, apiKeys: isList ? [...(apiKeys as unknown[]), ...keys] : apiKeys }
      await withDesk((desk) => create(desk, body, options))
    })

  const set = addFieldOptions(channels.command('set <channel>'))
  set
    .description('Change a channel, given by its name or id, in what is named and nothing else; --key-… add keys.')
    .option('--remove-key <id>', 'remove a key, by its id of channels show; may be repeated', names)
    .action(async (name: string, options: FieldOptions) => {
      const body = await documentOf(options)
      const keys = await readKeys(options, env)
      const removed = options.removeKey ?? []
      if (Object.keys(body).length + keys.length + removed.length === 0) set.error('error: name what is to change')
      await withDesk((desk) => change(desk, name, { body, keys, removed }, options))
    })
}

function addFieldOptions(command: Command): Command {
  const types = serviceTypes.filter((type) => type !== 'gemini')
  return command
    .option('--file <file>', "the admin API's document of a channel as JSON, - for standard input; options win over it")
    .option('--name <name>', 'unique in its pool', nonEmpty)
    .addOption(new Option('--type <type>', 'what its upstream speaks').choices(types))
    .option('--base-url <url>', 'of claude without the version, of the others with it')
    .option('--key-env <variable>', 'a key of its account, in this variable; may be repeated', names)
    .option('--key-file <file>', 'keys of its account, a line each; - for standard input')
    .option('--models <globs...>', 'the models that it serves: claude-*, !claude-opus-*, …; none is all', names)
    .option('--priority <number>', 'the smaller is tried first; 0 is its place in the list', count)
    .option('--rpm <requests|none>', 'requests that it may be sent in a minute', unless('none', positive))
    .addOption(
      new Option('--key-balance <how>', 'which of several keys a call takes; pool is as the pool').choices([
        ...balances,
        AS_POOL,
      ]),
    )
    .option('--description <text>', 'for people', freeText)
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
}

/** What the options say, over what the file says. */
async function documentOf(options: FieldOptions): Promise<Readonly<Record<string, unknown>>> {
  const { file, pool, name, type, baseUrl, description: text, models, priority, rpm, keyBalance } = options
  return {
    ...(file !== undefined && (await readDocument(file, options.keyFile))),
    ...(pool !== undefined && { pool }),
    ...(name !== undefined && { name }),
    ...(type !== undefined && { serviceType: type }),
    ...(baseUrl !== undefined && { baseUrl }),
    ...(text !== undefined && { description: text }),
    ...(models && { models: models.length === 1 && models[0] === 'none' ? [] : models }),
    ...(priority !== undefined && { priority }),
    ...(rpm && { rateLimitRpm: rpm.value ?? 0 }),
    ...(keyBalance !== undefined && { keyLoadBalance: keyBalance === AS_POOL ? null : keyBalance }),
  }
}

async function create(stored: ChannelDesk, body: object, { json, dryRun }: WriteOptions): Promise<void> {
  const desk = dryRun ? await stored.rehearse() : stored
  const channel = await desk.get(await desk.create(body))
  if (json) print(JSON.stringify(channel, null, 2))
  else
    print(
      dryRun ? `A channel named ${channel.name} would be made.` : `The channel ${channel.name} was made: ${channel.id}`,
    )
}

interface Changes {
  readonly body: object
  readonly keys: readonly string[]
  readonly removed: readonly string[]
}

async function change(
  stored: ChannelDesk,
  name: string,
  changes: Changes,
  { json, dryRun }: WriteOptions,
): Promise<void> {
  const channel = await findChannel(stored, name)
  // All of it is tried before any of it is written: fields and keys are written one after the other.
  const rehearsal = await stored.rehearse()
  await apply(rehearsal, channel.id, changes)
  if (!dryRun) await apply(stored, channel.id, changes)
  const changed = await (dryRun ? rehearsal : stored).get(channel.id)
  if (json) print(JSON.stringify(changed, null, 2))
  else print(dryRun ? `${channel.name} would be changed.` : `${changed.name} was changed.`)
}

/** New keys first, so that the channel is never without one that works. */
async function apply(desk: ChannelDesk, id: string, { body, keys, removed }: Changes): Promise<void> {
  if (Object.keys(body).length > 0) await desk.update(id, body)
  if (keys.length > 0) await desk.addKeys(id, keys)
  for (const key of removed) await desk.removeKey(id, key)
}
