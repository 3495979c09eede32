import type { ChannelDesk, ShownChannel } from '../channel-desk.ts'
import { CommandError } from './errors.ts'

/** Does `work` with the channels of the database that is configured, and says in a sentence why it could not. */
export type WithChannels = (work: (desk: ChannelDesk) => Promise<void>) => Promise<void>

/** A channel by its id, or by its name where no other pool has one of that name. */
export async function findChannel(desk: ChannelDesk, name: string): Promise<ShownChannel> {
  const all = await desk.list()
  const [found, ...others] = [
    all.filter(({ id }) => id === name),
    all.filter((channel) => channel.name === name),
  ].flat()
  if (!found) throw new CommandError(`There is no channel ${name}. tollgate channels list shows them all.`)
  if (found.id !== name && others.length > 0) {
    const places = [found, ...others].map(({ pool, id }) => `${id} (${pool})`).join(', ')
    throw new CommandError(`Several channels are named ${name}; give the id of one: ${places}.`)
  }
  return found
}
