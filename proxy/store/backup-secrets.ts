import { told } from './config-change.ts'
import { type Database, select, tableOf } from './database.ts'
import { channelKeyPlace, channelOauthPlace } from './secret-places.ts'

/** Of a copy of the configuration, as the admin API has written it, what is secret. */
interface Copy {
  readonly channels: readonly {
    readonly id: string
    readonly encryptedKeys?: { readonly id: string; sealed: string }[]
    encryptedOauth?: string | null
  }[]
}

/**
 * Goes through the secrets in copies of the configuration, and puts what `reseal` answers in their place; undefined
 * leaves one as it is. Answers how many were put there. A copy is written at once, or not at all. Throws `StoreError`.
 */
export async function resealBackups(
  database: Database,
  reseal: (sealed: string, place: string) => string | undefined,
): Promise<number> {
  const table = tableOf(database, 'config_backups')
  let resealed = 0
  const ids = await told('list the copies', select<{ readonly id: string }>(database, `SELECT id FROM ${table}`, []))
  for (const { id } of ids) {
    const find = `SELECT document FROM ${table} WHERE id = $1`
    const [row] = await told('read a copy', select<{ readonly document: string }>(database, find, [id]))
    if (row === undefined) continue // it has made place for another one meanwhile
    const copy = JSON.parse(row.document) as Copy // safe: nobody else writes there
    const count = resealCopy(copy, reseal)
    if (count === 0) continue
    const document = JSON.stringify(copy)
    const update = `UPDATE ${table} SET document = $1, size_bytes = $2 WHERE id = $3 RETURNING id`
    const bind = [document, Buffer.byteLength(document), id]
    if ((await told('rotate the secrets of a copy', select(database, update, bind))).length > 0) resealed += count
  }
  return resealed
}

function resealCopy({ channels }: Copy, reseal: (sealed: string, place: string) => string | undefined): number {
  let count = 0
  for (const channel of channels) {
    for (const key of channel.encryptedKeys ?? []) {
      const sealed = reseal(key.sealed, channelKeyPlace(channel.id, key.id))
      if (sealed === undefined) continue
      key.sealed = sealed
      count += 1
    }
    const { encryptedOauth } = channel
    const sealed = encryptedOauth == null ? undefined : reseal(encryptedOauth, channelOauthPlace(channel.id))
    if (sealed === undefined) continue
    channel.encryptedOauth = sealed
    count += 1
  }
  return count
}
