import { randomBytes } from 'node:crypto'
import { type Channel, PLAIN_CHANNEL } from '../../proxy/domain/channel.ts'
import type { ChannelInput } from '../../proxy/domain/channel-input.ts'
import type { Cipher } from '../../proxy/domain/cipher.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { createChannelStore } from '../../proxy/store/channels.ts'
import type { Database } from '../../proxy/store/database.ts'

const KEYS_OF_A_CHANNEL = 4
/** Each lets the model of the bench through, after one or several patterns. */
const patterns: readonly (readonly string[])[] = [
  [],
  ['claude-*'],
  ['gpt-*', 'claude-opus-*', '!claude-haiku-*', 'claude-sonnet-*'],
]

/** Channels of which everything is said that a choice looks at. All of them may take every call of the bench. */
export async function makeChannels(
  database: Database,
  cipher: Cipher,
  count: number,
  baseUrl: string,
): Promise<readonly Channel[]> {
  const newChannelId = (): string => randomBytes(4).toString('hex')
  const store = createChannelStore({ database, cipher, newChannelId, newKeyId: ulid })
  for (let nth = 0; nth < count; nth++) await store.create(channelInput(nth, baseUrl), Date.now())
  return store.list()
}

function channelInput(nth: number, baseUrl: string): ChannelInput {
  const { fault: _fault, position: _position, promotionUntil: _until, ...plain } = PLAIN_CHANNEL
  return {
    ...plain,
    pool: 'messages',
    name: `channel-${nth}`,
    serviceType: 'claude',
    baseUrl,
    keys: Array.from({ length: KEYS_OF_A_CHANNEL }, (_, at) => `sk-bench-${nth}-${at}`),
    keyBalance: 'round-robin',
    priority: (nth % 7) + 1,
    models: patterns[nth % patterns.length] ?? [],
    modelMapping: {
      'claude-haiku-4-5': 'claude-haiku-4-5-20251001',
      'claude-sonnet-4-5': 'claude-sonnet-4-5-20250929',
      opus: 'claude-opus-4-5',
    },
    priceMultipliers: { _default: { input: 1.1, output: 1.1, cacheWrite: 1, cacheRead: 1 } },
  }
}
