import type { Channel } from '../domain/channel.ts'
import { GatewayError } from '../domain/errors.ts'
import type { ChannelParts } from './channel-parts.ts'

export type KnownChannels = Pick<ChannelParts, 'channels' | 'environment'>

/** All channels, those of the environment last, or those of a pool. */
export async function knownChannels(
  { channels, environment }: KnownChannels,
  pool?: Channel['pool'],
): Promise<readonly Channel[]> {
  const all = [...(await channels.list()), ...environment]
  return pool === undefined ? all : all.filter((channel) => channel.pool === pool)
}

/** Throws `not_found`. */
export async function knownChannel({ channels, environment }: KnownChannels, id: string): Promise<Channel> {
  const channel = environment.find((own) => own.id === id) ?? (await channels.find(id))
  if (channel === undefined) throw new GatewayError('not_found')
  return channel
}
