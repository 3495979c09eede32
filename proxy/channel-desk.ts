import { channelKeyOperations } from './admin/channel-key-operations.ts'
import { channelOperations } from './admin/channel-operations.ts'
import type { ChannelParts } from './admin/channel-parts.ts'
import type { ShownChannel } from './admin/channel-schema.ts'
import { channelStateOperations } from './admin/channel-state-operations.ts'
import { rehearsalOf } from './channel-rehearsal.ts'
import { type DeskAudit, performingAtDesk } from './desk-operations.ts'
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
  { channels, suspensions, audit }: Pick<Configuration, 'channels' | 'suspensions' | 'audit'>,
  onAuditLost: DeskAudit['onLost'],
): ChannelDesk {
  const parts = { channels, suspensions, environment: environmentChannels(accounts), compositeProblems }
  return deskOf(parts, { store: audit, onLost: onAuditLost })
}

function deskOf(parts: ChannelParts, audit: DeskAudit | undefined): ChannelDesk {
  const operations = [...channelOperations(parts), ...channelStateOperations(parts), ...channelKeyOperations(parts)]
  const perform = performingAtDesk(operations, audit)
  return {
    list: async () => {
      const { channels } = (await perform('listChannels')) as { channels: readonly ShownChannel[] } // safe: its schema
      return channels
    },
    get: async (id) => (await perform('getChannel', { params: { id } })) as ShownChannel, // safe: its schema
    create: async (body) => ((await perform('createChannel', { body })) as { id: string }).id, // safe: its schema
    update: async (id, body) => void (await perform('updateChannel', { params: { id }, body })),
    addKeys: async (id, apiKeys) => void (await perform('addChannelKeys', { params: { id }, body: { apiKeys } })),
    removeKey: async (id, keyId) => void (await perform('deleteChannelKey', { params: { id, keyId } })),
    setStatus: async (id, status) => void (await perform('setChannelStatus', { params: { id }, body: { status } })),
    resume: async (id) => void (await perform('resumeChannel', { params: { id } })),
    remove: async (id) => void (await perform('deleteChannel', { params: { id } })),
    rehearse: async () => {
      const resumed = new Set<string>()
      const rehearsed: ChannelParts = {
        ...parts,
        channels: await rehearsalOf(parts.channels),
        suspensions: {
          list: async (now) => (await parts.suspensions.list(now)).filter(({ channelId }) => !resumed.has(channelId)),
          resume: (channelId) => Promise.resolve(Boolean(resumed.add(channelId))),
        },
      }
      return deskOf(rehearsed, undefined)
    },
  }
}
