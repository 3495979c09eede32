import { type Channel, PLAIN_CHANNEL } from '../../proxy/domain/channel.ts'

/** An active channel of the pool `messages` with one key, named after its id. */
export function aChannel(id: string, said: Partial<Channel> = {}): Channel {
  return {
    ...PLAIN_CHANNEL,
    id,
    pool: 'messages',
    name: id,
    serviceType: 'claude',
    baseUrl: 'https://api.example.com',
    position: 1,
    keys: [{ id: `${id}-1`, secret: `sk-${id}-1` }],
    ...said,
  }
}

/** In the order of a list. */
export function inList(...channels: readonly Channel[]): readonly Channel[] {
  return channels.map((channel, index) => ({ ...channel, position: index + 1 }))
}
