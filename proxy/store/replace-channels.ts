import type { Transaction } from 'sequelize'
import type { ChannelOauth } from '../domain/channel.ts'
import type { Cipher } from '../domain/cipher.ts'
import { maskSecret } from '../domain/mask-secret.ts'
import type { GivenChannel, SealedChannel, SealedKey } from '../domain/whole-configuration.ts'
import { columnsOf } from './channel-row.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { insertRows } from './insert-rows.ts'
import { channelKeyPlace, channelOauthPlace } from './secret-places.ts'
import { tryDecrypt } from './try-decrypt.ts'

interface Parts {
  readonly database: Database
  readonly cipher: Cipher
  readonly newKeyId: () => string
}

/** What stays of a channel that is named again. */
interface Kept {
  readonly id: string
  readonly promotion_until: number | null
  readonly created_at: number
}

/**
 * Makes these all the channels there are, in this order. All rows go before any comes back, so that names may change
 * places; promotions, and what is used of quotas, stay with the ids.
 */
export async function replaceChannels(
  parts: Parts,
  transaction: Transaction,
  given: readonly GivenChannel[],
  before: readonly SealedChannel[],
  now: number,
): Promise<void> {
  const { database, cipher } = parts
  const table = tableOf(database, 'channels')
  const find = `SELECT id, promotion_until, created_at FROM ${table}`
  const kept = new Map((await select<Kept>(database, find, [], transaction)).map((row) => [row.id, row]))
  const known = new Map(before.map((channel) => [channel.id, channel]))
  const counts = new Map<string, number>()
  const rows = given.map((channel) => {
    const { id, pool, newOauth } = channel
    const position = (counts.get(pool) ?? 0) + 1
    counts.set(pool, position)
    const sealed = newOauth === null ? channel.sealedOauth : sealedOauthOf(cipher, id, newOauth, known.get(id))
    return {
      id,
      pool,
      position,
      ...columnsOf(fieldsOf(channel), () => ''),
      oauth: sealed,
      promotion_until: kept.get(id)?.promotion_until ?? null,
      created_at: kept.get(id)?.created_at ?? now,
      updated_at: now,
    }
  })
  const named = new Set(given.flatMap(({ sealedKeys }) => sealedKeys.map((key) => key.id)))
  const unnamed = (id: string): readonly SealedKey[] =>
    (known.get(id)?.sealedKeys ?? []).filter((key) => !named.has(key.id))
  const keys = given.flatMap((channel) =>
    keysOf(parts, channel, unnamed(channel.id), now).map((key, place) => ({
      id: key.id,
      channel_id: channel.id,
      position: place + 1,
      secret: key.sealed,
      preview: key.preview,
      created_at: key.createdAt,
    })),
  )
  for (const emptied of ['channels', 'channel_keys']) {
    await run(database, `DELETE FROM ${tableOf(database, emptied)}`, [], transaction)
  }
  await insertRows(database, 'channels', rows, transaction)
  await insertRows(database, 'channel_keys', keys, transaction)
  const there = new Set(given.map(({ id }) => id))
  for (const id of kept.keys()) {
    if (there.has(id)) continue
    for (const its of ['channel_suspensions', 'channel_quota']) {
      await run(database, `DELETE FROM ${tableOf(database, its)} WHERE channel_id = $1`, [id], transaction)
    }
  }
}

/** Complete, so that all rows have the same columns. */
function fieldsOf(channel: GivenChannel) {
  const {
    id: _id,
    pool: _pool,
    sealedKeys: _keys,
    sealedOauth: _oauth,
    newKeys: _new,
    newOauth: _newer,
    ...fields
  } = channel
  return fields
}

function keysOf(
  { cipher, newKeyId }: Parts,
  { id, sealedKeys, newKeys }: GivenChannel,
  known: readonly SealedKey[],
  now: number,
): readonly SealedKey[] {
  const secretOf = (key: SealedKey) => tryDecrypt(cipher, key.sealed, channelKeyPlace(id, key.id))
  const named = new Set(sealedKeys.map(secretOf))
  const old = new Map(known.map((key) => [secretOf(key), key]))
  const added = [...new Set(newKeys)]
    .filter((secret) => !named.has(secret))
    .map((secret): SealedKey => {
      const keyId = newKeyId()
      const sealed = (): string => cipher.encrypt(secret, channelKeyPlace(id, keyId))
      return old.get(secret) ?? { id: keyId, sealed: sealed(), preview: maskSecret(secret), createdAt: now }
    })
  return [...sealedKeys, ...added]
}

/** An account that is the one which is stored keeps its access token. */
function sealedOauthOf(cipher: Cipher, id: string, oauth: ChannelOauth, known: SealedChannel | undefined): string {
  const place = channelOauthPlace(id)
  const sealed = known?.sealedOauth ?? null
  const text = sealed === null ? undefined : tryDecrypt(cipher, sealed, place)
  if (sealed !== null && typeof text === 'string') {
    const stored = JSON.parse(text) as ChannelOauth // safe: we encrypted it
    const { accessToken, expiresAt } = stored
    if (JSON.stringify({ ...oauth, accessToken, expiresAt }) === JSON.stringify(stored)) return sealed
  }
  return cipher.encrypt(JSON.stringify(oauth), place)
}
