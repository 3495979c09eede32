import type { Channel } from '../domain/channel.ts'
import type { ChannelStore } from '../domain/channel-store.ts'
import { GatewayError } from '../domain/errors.ts'

/** A channel that is left alone until then. */
export interface Suspension {
  readonly channelId: string
  readonly until: number
  readonly reason: string
}

export interface ChannelParts {
  readonly channels: ChannelStore
  readonly suspensions: {
    list(now: number): Promise<readonly Suspension[]>
    resume(channelId: string): Promise<boolean>
  }
  /** Those that the environment describes: they are shown, and cannot be changed. */
  readonly environment: readonly Channel[]
  /** What is wrong with a composite among all channels, in sentences. */
  readonly compositeProblems: (channel: Channel, all: readonly Channel[]) => readonly string[]
}

/** The channel that a write is about. Throws `not_found` or `read_only`. */
export async function changeable({ channels, environment }: ChannelParts, id: string): Promise<Channel> {
  if (environment.some((channel) => channel.id === id)) throw new GatewayError('read_only')
  const channel = await channels.find(id)
  if (channel === undefined) throw new GatewayError('not_found')
  return channel
}
