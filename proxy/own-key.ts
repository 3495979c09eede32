import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Channel } from './domain/channel.ts'
import { KEY_FILE } from './secrets/load-keys.ts'
import type { Storage } from './storage.ts'
import { UNREADABLE } from './store/channel-reader.ts'

/**
 * What is wrong with a key file beside a database that processes share: each makes one of its own, and what one has
 * encrypted no other can read. Undefined where there is no reason to worry. Throws `StoreError`.
 */
export async function ownKeyProblem(
  { DATA_DIR, ENCRYPTION_KEY }: Pick<Config, 'DATA_DIR' | 'ENCRYPTION_KEY'>,
  { type, replicas }: Pick<Storage, 'type' | 'replicas'>,
  channels: readonly Pick<Channel, 'fault'>[],
): Promise<string | undefined> {
  if (type !== 'postgres' || ENCRYPTION_KEY !== undefined) return undefined
  const unreadable = channels.filter(({ fault }) => fault?.startsWith(UNREADABLE)).length
  const others = (await replicas()) - 1
  if (unreadable === 0 && others < 1) return undefined
  const why =
    unreadable > 0
      ? `the secrets of ${unreadable} channels are under another key than ${join(DATA_DIR, KEY_FILE)}`
      : 'other replicas were seen within the last hour, and each that has no ENCRYPTION_KEY makes a key of its own'
  return `ENCRYPTION_KEY is not set, and ${why}: set it to the same on all replicas (what the file of one of them holds will do), and then give the channels that have a fault their secrets once more.`
}
