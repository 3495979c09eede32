import type { Channel, Pool } from './channel.ts'
import type { ChannelChanges, ChannelInput } from './channel-input.ts'

/** A key of a channel, as people may see it. */
interface ChannelKeyPreview {
  readonly id: string
  readonly preview: string
  readonly createdAt: number
}

/**
 * What administrators do with channels. Instants are milliseconds since the epoch. Every method throws `StoreError`;
 * those that change something also `RevisionConflict`, where `expectedRevision` is given and is not the store's, and
 * `NoSuchChannel`.
 */
export interface ChannelStore {
  /** All of them by pool and position. What cannot be decrypted has a fault and no keys. */
  list(): Promise<readonly Channel[]>
  find(id: string): Promise<Channel | undefined>
  /** At the end of its pool. Throws `ChannelNameTaken`. */
  create(input: ChannelInput, now: number, expectedRevision?: string): Promise<Channel>
  /** Throws `ChannelNameTaken`. */
  update(id: string, changes: ChannelChanges, now: number, expectedRevision?: string): Promise<Channel>
  /** With its keys and its suspension. */
  remove(id: string, expectedRevision?: string): Promise<void>
  /** Throws `IncompleteOrder` unless `ids` are the channels of the pool, each once. */
  reorder(pool: Pool, ids: readonly string[], expectedRevision?: string): Promise<void>
  setStatus(id: string, status: Channel['status'], now: number, expectedRevision?: string): Promise<Channel>
  /** Instead of whichever was promoted in its pool; null ends the promotion of this one. */
  promote(id: string, until: number | null, expectedRevision?: string): Promise<void>
  readonly keys: ChannelKeys
}

interface ChannelKeys {
  /** In order, also those that cannot be decrypted. */
  list(id: string): Promise<readonly ChannelKeyPreview[]>
  /** At the end; a secret that the channel has already is passed over. Answers how many were new. */
  add(id: string, secrets: readonly string[], now: number, expectedRevision?: string): Promise<number>
  remove(id: string, keyId: string, expectedRevision?: string): Promise<void>
  move(id: string, keyId: string, to: 'top' | 'bottom', expectedRevision?: string): Promise<void>
}
