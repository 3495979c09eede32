import type { Channel, ChannelKey, Pool } from '../domain/channel.ts'
import type { NoChoice } from './choose.ts'
import type { Failure } from './failure.ts'

/** The way of one call over its attempts. */
export interface Journey {
  /** What to do now. */
  next(now: number): Step
  /** The attempt that `next` gave last put out something. */
  succeeded(now: number): void
  /** The attempt that `next` gave last failed before it put out anything. */
  failed(failure: Failure, now: number): void
  /** The channels that would take the call if nothing kept them from it for now. */
  inQuestion(): readonly Channel[]
}

export type Step =
  | {
      readonly kind: 'send'
      readonly channel: Channel
      /** Undefined where the channel has none, and a token of its OAuth account is used. */
      readonly key: ChannelKey | undefined
      /** What the upstream is asked for; undefined where the call names no model. */
      readonly model: string | undefined
      readonly effort: string | undefined
      /** The composite that sent the call on to the channel. */
      readonly via: Channel | undefined
    }
  /** Then `next` is asked again: it answers the same channel, with the same key or another that is ready. */
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'end'; readonly reason: EndReason }

/**
 * Why nothing more is tried. `answer`: a rule says that the caller gets the last failure, or the call succeeded.
 * `exhausted`: nothing is left to try. `none`: there was nothing to try.
 */
export type EndReason = NoChoice | 'exhausted' | 'deadline' | 'answer' | 'composite_exhausted' | 'composite_unmatched'

export interface RoutedCall {
  readonly pool: Pool
  readonly model: string | undefined
  /** Whether a channel may have it that speaks another format than the pool's; a composite sends nothing else on. */
  readonly isTranslated: boolean
  /** Ids of the channels that the key may use; null is all. A composite brings its targets with it. */
  readonly allowedChannels: readonly string[] | null
  /** What the call belongs to; calls of one conversation go to one channel where they can. */
  readonly conversation: string | undefined
  /** Nothing is begun after it. */
  readonly deadlineAt: number
  /** Whether the channel's quota leaves room. */
  hasRoom?(channel: Channel): boolean
}
