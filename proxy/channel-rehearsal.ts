import type { Channel } from './domain/channel.ts'
import type { ChannelStore } from './domain/channel-store.ts'
import { ChannelNameTaken, NoSuchChannel } from './domain/config-refusal.ts'

/** What a channel that would be made is known by. */
const ID = '00000000'

/** A copy of the channels, to which changes are made that the store never hears of. It refuses what the store would. */
export async function rehearsalOf(store: ChannelStore): Promise<ChannelStore> {
  let channels = await store.list()

  const put = (after: Channel): Promise<Channel> => {
    const isTaken = channels.some(({ id, pool, name }) => id !== after.id && pool === after.pool && name === after.name)
    if (isTaken) return Promise.reject(new ChannelNameTaken('another channel of the pool has this name'))
    channels = [...channels.filter(({ id }) => id !== after.id), after]
    return Promise.resolve(after)
  }
  const find = (id: string): Channel => {
    const channel = channels.find((one) => one.id === id)
    if (channel === undefined) throw new NoSuchChannel(`there is no channel ${id}`)
    return channel
  }
  const update: ChannelStore['update'] = (id, changes) => put({ ...find(id), ...changes })

  return {
    list: () => Promise.resolve(channels),
    find: (id) => Promise.resolve(channels.find((channel) => channel.id === id)),
    create(input) {
      const position = channels.filter(({ pool }) => pool === input.pool).length + 1
      const keys = [...new Set(input.keys)].map((secret, at) => ({ id: `${at}`, secret }))
      return put({ ...input, id: ID, fault: null, position, promotionUntil: null, keys })
    },
    update,
    async remove(id) {
      const removed = find(id)
      channels = channels.filter((channel) => channel !== removed)
    },
    setStatus: (id, status, now) => update(id, { status }, now),
    reorder: unrehearsed,
    promote: unrehearsed,
    keys: {
      list: (id) => store.keys.list(id),
      async add(id, secrets) {
        const channel = find(id)
        const known = new Set(channel.keys.map(({ secret }) => secret))
        const added = [...new Set(secrets)].filter((secret) => !known.has(secret))
        await put({ ...channel, keys: [...channel.keys, ...added.map((secret) => ({ id: '', secret }))] })
        return added.length
      },
      async remove(id, keyId) {
        const channel = find(id)
        const isThere = (await store.keys.list(id)).some((key) => key.id === keyId)
        if (!isThere) throw new NoSuchChannel(`the channel ${id} has no key ${keyId}`)
        await put({ ...channel, keys: channel.keys.filter((key) => key.id !== keyId) })
      },
      move: unrehearsed,
    },
  }
}

function unrehearsed(): Promise<never> {
  return Promise.reject(new Error('nobody rehearses this'))
}
