import type { ChannelTimeouts, ChannelTls } from './channel.ts'

/** Where one attempt goes. */
export interface Target {
  /** The channel's name. */
  readonly channel: string
  readonly origin: string
  /** Path and query. */
  readonly path: string
  /** Credentials and what the provider or the channel demands; sent besides the caller's own headers. */
  readonly headers: Readonly<Record<string, string | string[]>>
  /** The caller's headers that do not go along, in small letters. */
  readonly withheld: readonly string[]
  readonly timeouts: ChannelTimeouts
  readonly tls: ChannelTls
}
