import { type Command, Option } from 'commander'
import type { ChannelDesk, ShownChannel } from '../channel-desk.ts'
import { readConfig } from '../config.ts'
import { pools } from '../domain/channel.ts'
import { addChannelChangeCommands } from './channel-changes.ts'
import { channelDetails, channelTable } from './channel-output.ts'
import type { Environment } from './errors.ts'
import { findChannel, type WithChannels } from './find-channel.ts'
import { print, type WriteOptions } from './print.ts'
import { withChannels } from './with-storage.ts'

interface ListOptions {
  readonly pool?: string
  readonly json?: true
}

export function addChannelCommands(program: Command, env: Environment): void {
  const channels = program
    .command('channels')
    .description('Make, list, change and remove channels to upstream accounts. A running proxy notices at once.')
  const withDesk: WithChannels = (work) => withChannels(readConfig(env), work)

  channels
    .command('list')
    .description('List channels by pool, in their order; those of the environment come last.')
    .addOption(new Option('--pool <pool>', 'only those of this pool').choices(pools))
    .option('--json', 'print JSON')
    .action(({ pool, json }: ListOptions) =>
      withDesk(async (desk) => {
        const all = (await desk.list()).filter((channel) => channel.pool === (pool ?? channel.pool))
        if (json) print(JSON.stringify(all, null, 2))
        else print(all.length === 0 ? 'There are no channels: tollgate channels create …' : channelTable(all))
      }),
    )

  channels
    .command('show <channel>')
    .description('Show one channel, by its name or id. Its keys are masked.')
    .option('--json', 'print JSON')
    .action((name: string, { json }: WriteOptions) =>
      withDesk(async (desk) => {
        const channel = await findChannel(desk, name)
        print(json ? JSON.stringify(channel, null, 2) : channelDetails(channel))
      }),
    )

  addChannelChangeCommands(channels, env, withDesk)
  addStatusCommand(channels, 'enable', 'Take a channel into service.', 'active', withDesk)
  addStatusCommand(channels, 'suspend', 'Pause a channel, which keeps its place.', 'suspended', withDesk)
  addStatusCommand(channels, 'disable', 'Put a channel into reserve.', 'disabled', withDesk)

  const resume = channels
    .command('resume <channel>')
    .description('Lift the suspension of a channel, and end its pause. The channel is given by its name or id.')
  addWrite(resume, withDesk, (desk, { id }) => desk.resume(id), ['would be resumed', 'is resumed'])

  channels
    .command('remove <channel>')
    .description('Remove a channel and its keys; not while a composite sends to it.')
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, { json, dryRun }: WriteOptions) =>
      withDesk(async (stored) => {
        const desk = dryRun ? await stored.rehearse() : stored
        const channel = await findChannel(desk, name)
        await desk.remove(channel.id)
        if (json) print(JSON.stringify(channel, null, 2))
        else print(`${channel.name} ${dryRun ? 'would be' : 'was'} removed.`)
      }),
    )
}

function addStatusCommand(
  channels: Command,
  verb: string,
  description: string,
  status: ShownChannel['status'],
  withDesk: WithChannels,
): void {
  const command = channels
    .command(`${verb} <channel>`)
    .description(`${description} The channel is given by its name or id.`)
  addWrite(command, withDesk, (desk, { id }) => desk.setStatus(id, status), [`would be ${status}`, `is ${status}`])
}

/** What a command does to one channel, and how it is told before and after. */
function addWrite(
  command: Command,
  withDesk: WithChannels,
  write: (desk: ChannelDesk, channel: ShownChannel) => Promise<void>,
  [before, after]: readonly [string, string],
): void {
  command
    .option('--json', 'print JSON')
    .option('--dry-run', 'check everything, write nothing')
    .action((name: string, { json, dryRun }: WriteOptions) =>
      withDesk(async (stored) => {
        const desk = dryRun ? await stored.rehearse() : stored
        const channel = await findChannel(desk, name)
        await write(desk, channel)
        if (json) print(JSON.stringify(await desk.get(channel.id), null, 2))
        else print(`${channel.name} ${dryRun ? before : after}.`)
      }),
    )
}
