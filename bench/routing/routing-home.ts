import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Channel } from '../../proxy/domain/channel.ts'
import { createCipher } from '../../proxy/secrets/cipher.ts'
import { STRATEGIES } from '../../proxy/store/call-configuration.ts'
import { createConfiguration } from '../../proxy/store/configuration.ts'
import { createChance, shuffled } from '../chance.ts'
import type { GatewayHome } from '../gateway.ts'
import { makeKeys } from '../make-keys.ts'
import { openDatabase } from '../open-database.ts'
import { makeChannels } from './make-channels.ts'

export type Size = { readonly name: string; readonly channels: number; readonly keys: number }

/** A gateway that has not started yet, with its channels and keys. */
export type RoutingHome = {
  readonly home: GatewayHome & { readonly database: { readonly DATABASE_PATH: string } }
  readonly adminKey: string
  readonly encryptionKey: Buffer
  /** In no order. */
  readonly keys: readonly string[]
  readonly channels: readonly Channel[]
}

export async function makeHome(size: Size, dataPath: string, upstreamOrigin: string): Promise<RoutingHome> {
  const folder = join(dataPath, size.name.replaceAll(/\W+/g, '-'))
  await mkdir(folder, { recursive: true })
  const encryptionKey = randomBytes(32)
  const adminKey = `tg_${randomBytes(26).toString('hex')}`
  const database = { DATABASE_PATH: join(folder, 'tollgate.db') }

  const opened = await openDatabase(database)
  const cipher = createCipher([encryptionKey])
  // Any channel may have any call, so that all of them, and the whole of each, take part.
  await createConfiguration(opened, cipher).settings.set(STRATEGIES, { messages: 'random' })
  const channels = await makeChannels(opened, cipher, size.channels, upstreamOrigin)
  const chance = createChance(size.channels)
  const ids = channels.map(({ id }) => id)
  const keys = await makeKeys(opened, size.keys, (nth) => ({
    tokenLimit: 1_000_000_000_000,
    allowedModels: nth % 3 === 0 ? ['gpt-*', 'claude-*'] : null,
    allowedChannels: nth % 2 === 0 ? shuffled(ids, chance).slice(0, Math.ceil(ids.length / 2)) : null,
  }))
  await opened.close()

  const more = {
    ADMIN_API_KEY: adminKey,
    ENCRYPTION_KEY: encryptionKey.toString('base64'),
    // The channels of the environment would have their share of the calls.
    ANTHROPIC_API_KEY: '',
    OPENAI_API_KEY: '',
  }
  return {
    home: { name: size.name, folder, database, more },
    adminKey,
    encryptionKey,
    keys: shuffled(
      keys.map(({ key }) => key),
      chance,
    ),
    channels,
  }
}
