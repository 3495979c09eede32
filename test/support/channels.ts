import { randomBytes } from 'node:crypto'
import { PLAIN_CHANNEL } from '../../proxy/domain/channel.ts'
import type { ChannelInput } from '../../proxy/domain/channel-input.ts'
import type { ChannelStore } from '../../proxy/domain/channel-store.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { createCipher } from '../../proxy/secrets/cipher.ts'
import { createChannelStore } from '../../proxy/store/channels.ts'
import type { Database } from '../../proxy/store/database.ts'

/** Keys that secrets are encrypted under. */
export const OLD_KEY = Buffer.alloc(32, 1)
export const NEW_KEY = Buffer.alloc(32, 2)

/** The channels of a database, with ids as a proxy makes them. */
export function channelsIn(database: Database, cipher = createCipher([OLD_KEY])): ChannelStore {
  return createChannelStore({
    database,
    cipher,
    newChannelId: () => randomBytes(4).toString('hex'),
    newKeyId: ulid,
  })
}

/** How a channel gets its access tokens. */
export const OAUTH = {
  tokenUrl: 'https://auth.example/token',
  clientId: 'client',
  clientSecret: null,
  scope: null,
  refreshToken: 'refresh-secret',
  accessToken: 'access-secret',
  expiresAt: 1_800_000_000_000,
}

/** A channel of which nothing is said but what has to be. */
export function channelInput(more: Partial<ChannelInput> = {}): ChannelInput {
  const { fault: _fault, position: _position, promotionUntil: _until, ...plain } = PLAIN_CHANNEL
  const who = { pool: 'messages', name: 'anthropic', serviceType: 'claude' } as const
  return { ...plain, ...who, baseUrl: 'https://api.example', keys: [], ...more }
}
