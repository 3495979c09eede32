import { CannotDecrypt, type Cipher } from '../domain/cipher.ts'
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

/** Which keys the secrets of a database are under. Throws `StoreError`. */
export async function readSecretStatus(database: Database, cipher: Cipher): Promise<SecretStatus> {
  const byKeyId = new Map<string, number>()
  const undecryptable = await eachSecret(database, cipher, async (_column, { sealed }) => {
    addOne(byKeyId, cipher.keyIdOf(sealed) ?? '')
  })
  return { byKeyId, undecryptable }
}

/**
 * Encrypts under the first key what is under another. Each secret is written by itself, and only where it is still what
 * was read, so this may run beside proxies that change them, be interrupted, and be repeated. Throws `StoreError`.
 */
export async function rotateSecrets(database: Database, cipher: Cipher): Promise<Rotation> {
  let rotated = 0
  const undecryptable = await eachSecret(database, cipher, async (column, row, text) => {
    if (cipher.keyIdOf(row.sealed) === cipher.currentKeyId) return
    if (await replace(database, column, row, cipher.encrypt(text, column.placeOf(row)))) rotated += 1
  })
  return { rotated, undecryptable }
}

/** Does `work` for each secret that can be decrypted, and answers how many cannot be, by why. */
async function eachSecret(
  database: Database,
  cipher: Cipher,
  work: (column: Column, row: SecretRow, text: string) => Promise<void>,
): Promise<ReadonlyMap<string, number>> {
  const undecryptable = new Map<string, number>()
  for (const column of columns) {
    for await (const row of secretsIn(database, column)) {
      const text = tryDecrypt(cipher, row.sealed, column.placeOf(row))
      if (text instanceof CannotDecrypt) addOne(undecryptable, text.message)
      else await work(column, row, text)
    }
  }
  return undecryptable
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
