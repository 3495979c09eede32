import { channelKeyOperations } from './admin/channel-key-operations.ts'
import { channelOperations } from './admin/channel-operations.ts'
import type { ChannelParts } from './admin/channel-parts.ts'
import type { ShownChannel } from './admin/channel-schema.ts'
import { channelStateOperations } from './admin/channel-state-operations.ts'
import { rehearsalOf } from './channel-rehearsal.ts'
import { NOBODY } from './domain/operation.ts'
import { compositeProblems } from './route/composite.ts'
import { environmentChannels, type EnvironmentAccounts } from './route/environment.ts'
import type { Configuration } from './store/configuration.ts'

export type { ShownChannel }

/**
 * The admin API's operations on channels for who is at the machine: they check the same and say the same. Bodies are
 * its documents, unchecked. All of it throws `GatewayError` and `StoreError`.
 */
export interface ChannelDesk {
  list(): Promise<readonly ShownChannel[]>
  get(id: string): Promise<ShownChannel>
  /** Answers its id. */
  create(body: object): Promise<string>
  update(id: string, body: object): Promise<void>
  addKeys(id: string, apiKeys: readonly string[]): Promise<void>
  removeKey(id: string, keyId: string): Promise<void>
  setStatus(id: string, status: ShownChannel['status']): Promise<void>
  resume(id: string): Promise<void>
  remove(id: string): Promise<void>
  /** The same with a copy of the channels: nothing is written. */
  rehearse(): Promise<ChannelDesk>
}

export function createChannelDesk(
  accounts: EnvironmentAccounts,
  { channels, suspensions }: Pick<Configuration, 'channels' | 'suspensions'>,
): ChannelDesk {
  return deskOf({ channels, suspensions, environment: environmentChannels(accounts), compositeProblems })
}

function deskOf(parts: ChannelParts): ChannelDesk {
  const operations = [...channelOperations(parts), ...channelStateOperations(parts), ...channelKeyOperations(parts)]
  const perform = async (operationId: string, params: Readonly<Record<string, string>> = {}, body?: object) => {
    const operation = operations.find(({ id }) => id === operationId)
    const call = { params, query: {}, body, actor: NOBODY, expectedRevision: undefined, host: undefined }
    return (await operation?.perform({ ...call, now: Date.now() }))?.body
  }
  return {
    list: async () => {
      const { channels } = (await perform('listChannels')) as { channels: readonly ShownChannel[] } // safe: its schema
      return channels
    },
    get: async (id) => (await perform('getChannel', { id })) as ShownChannel, // safe: its schema
    create: async (body) => ((await perform('createChannel', {}, body)) as { id: string }).id, // safe: its schema
    update: async (id, body) => void (await perform('updateChannel', { id }, body)),
    addKeys: async (id, apiKeys) => void (await perform('addChannelKeys', { id }, { apiKeys })),
    removeKey: async (id, keyId) => void (await perform('deleteChannelKey', { id, keyId })),
    setStatus: async (id, status) => void (await perform('setChannelStatus', { id }, { status })),
    resume: async (id) => void (await perform('resumeChannel', { id })),
    remove: async (id) => void (await perform('deleteChannel', { id })),
    rehearse: async () => {
      const resumed = new Set<string>()
      return deskOf({
        ...parts,
        channels: await rehearsalOf(parts.channels),
        suspensions: {
          list: async (now) => (await parts.suspensions.list(now)).filter(({ channelId }) => !resumed.has(channelId)),
          resume: (channelId) => Promise.resolve(Boolean(resumed.add(channelId))),
        },
      })
    },
  }
}
