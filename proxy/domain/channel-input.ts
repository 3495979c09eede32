import type { Channel } from './channel.ts'

/** What is said of a channel when it is made. Its place comes with time, its promotion later. */
export interface ChannelInput extends Omit<Channel, 'id' | 'fault' | 'position' | 'promotionUntil' | 'keys'> {
  /** The secrets of its keys, in order; one that is there twice counts once. */
  readonly keys: readonly string[]
}

/** What may be changed in one go; keys, order and promotion have changes of their own, and the pool stays. */
export type ChannelChanges = Partial<Omit<ChannelInput, 'keys' | 'pool'>>
