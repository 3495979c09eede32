import { CannotDecrypt, type Cipher } from '../domain/cipher.ts'
import { resealBackups } from './backup-secrets.ts'
import { told } from './config-change.ts'
import { type Database, select, tableOf } from './database.ts'
import { channelKeyPlace, channelOauthPlace } from './secret-places.ts'
import { tryDecrypt } from './try-decrypt.ts'

const ROWS_A_CHUNK = 200

interface SecretRow {
  readonly id: string
  readonly channel: string
  readonly sealed: string
}

/** Every column that holds secrets. */
const columns = [
  {
    table: 'channel_keys',
    column: 'secret',
    channel: 'channel_id',
    placeOf: ({ channel, id }: SecretRow): string => channelKeyPlace(channel, id),
  },
  { table: 'channels', column: 'oauth', channel: 'id', placeOf: ({ id }: SecretRow): string => channelOauthPlace(id) },
] as const

export interface SecretStatus {
  /** How many can be decrypted, by the id of the key that they are under. */
  readonly byKeyId: ReadonlyMap<string, number>
  /** How many cannot be, by why. */
  readonly undecryptable: ReadonlyMap<string, number>
}

export interface Rotation {
  /** How many were under another key, and are under the first one now. */
  readonly rotated: number
  /** How many were left as they are, since they cannot be decrypted, by why. */
  readonly undecryptable: ReadonlyMap<string, number>
}

/** Which keys the secrets of a database are under, those in copies of the configuration among them. Throws `StoreError`. */
export async function readSecretStatus(database: Database, cipher: Cipher): Promise<SecretStatus> {
  const byKeyId = new Map<string, number>()
  const { undecryptable } = await resealAll(database, cipher, (sealed) => {
    addOne(byKeyId, cipher.keyIdOf(sealed) ?? '')
    return undefined
  })
  return { byKeyId, undecryptable }
}

/**
 * Encrypts under the first key what is under another. Each secret, and each copy of the configuration, is written by
 * itself, and a secret only where it is still what was read, so this may run beside proxies that change them, be
 * interrupted, and be repeated. Throws `StoreError`.
 */
export function rotateSecrets(database: Database, cipher: Cipher): Promise<Rotation> {
  return resealAll(database, cipher, (sealed, place, text) =>
    cipher.keyIdOf(sealed) === cipher.currentKeyId ? undefined : cipher.encrypt(text, place),
  )
}

/** Puts what `again` makes of each secret that can be decrypted in its place, and leaves it where that is undefined. */
async function resealAll(
  database: Database,
  cipher: Cipher,
  again: (sealed: string, place: string, text: string) => string | undefined,
): Promise<Rotation> {
  const undecryptable = new Map<string, number>()
  let rotated = 0
  for (const column of columns) {
    for await (const row of secretsIn(database, column)) {
      const place = column.placeOf(row)
      const text = tryDecrypt(cipher, row.sealed, place)
      if (text instanceof CannotDecrypt) {
        addOne(undecryptable, text.message)
        continue
      }
      const sealed = again(row.sealed, place, text)
      if (sealed !== undefined && (await replace(database, column, row, sealed))) rotated += 1
    }
  }
  // What is lost in a copy is lost to nobody who calls: its restore tells.
  rotated += await resealBackups(database, (sealed, place) => {
    const text = tryDecrypt(cipher, sealed, place)
    return text instanceof CannotDecrypt ? undefined : again(sealed, place, text)
  })
  return { rotated, undecryptable }
}

function addOne(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

type Column = (typeof columns)[number]

async function replace(
  database: Database,
  { table, column }: Column,
  row: SecretRow,
  sealed: string,
): Promise<boolean> {
  const name = tableOf(database, table)
  const update = `UPDATE ${name} SET ${column} = $1 WHERE id = $2 AND ${column} = $3 RETURNING id`
  return (await told('rotate a secret', select(database, update, [sealed, row.id, row.sealed]))).length > 0
}

/** In the order of their ids, a bounded number at a time. */
async function* secretsIn(database: Database, { table, column, channel }: Column): AsyncGenerator<SecretRow> {
  const chunk = `SELECT id, ${channel} AS channel, ${column} AS sealed FROM ${tableOf(database, table)}
    WHERE ${column} IS NOT NULL AND id > $1 ORDER BY id LIMIT ${ROWS_A_CHUNK}`
  for (let after: string | undefined = ''; after !== undefined;) {
    const rows: SecretRow[] = await told('read the secrets', select<SecretRow>(database, chunk, [after]))
    yield* rows
    after = rows.length < ROWS_A_CHUNK ? undefined : rows.at(-1)?.id
  }
}
