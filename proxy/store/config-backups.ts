import type { Transaction } from 'sequelize'
import {
  type BackupStore,
  MAX_BACKUPS,
  type NewBackup,
  type ReadConfiguration,
  type StoredBackup,
} from '../domain/whole-configuration.ts'
import { told } from './config-change.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { readWhole } from './read-whole.ts'
import { insertRows } from './insert-rows.ts'

export function createBackupStore(database: Database): BackupStore {
  const table = tableOf(database, 'config_backups')
  return {
    list: () =>
      told(
        'list the backups of the configuration',
        select(
          database,
          `SELECT id, created_at AS "createdAt", created_by AS "createdBy", note, revision, size_bytes AS "sizeBytes"
           FROM ${table} ORDER BY id DESC`,
        ),
      ),

    async find(id) {
      const find = `SELECT document FROM ${table} WHERE id = $1`
      const [row] = await told(
        'read a backup of the configuration',
        select<{ readonly document: string }>(database, find, [id]),
      )
      return row?.document
    },

    add: (backup) => told('back up the configuration', addBackup(database, backup)),

    async remove(id) {
      const removed = `DELETE FROM ${table} WHERE id = $1 RETURNING id`
      return (await told('remove a backup of the configuration', select(database, removed, [id]))).length > 0
    },
  }
}

async function addBackup(database: Database, backup: NewBackup): Promise<StoredBackup> {
  const read = await readWhole(database)
  return database.write((transaction) => keepBackup(database, transaction, backup, read))
}

/** Writes a backup of what was read, in place of the oldest where there are many. */
export async function keepBackup(
  database: Database,
  transaction: Transaction,
  { write, ...backup }: NewBackup,
  read: ReadConfiguration,
): Promise<StoredBackup> {
  const table = tableOf(database, 'config_backups')
  const document = write(read)
  const stored = { ...backup, revision: read.revision, sizeBytes: Buffer.byteLength(document) }
  const row = {
    id: stored.id,
    created_at: stored.createdAt,
    created_by: stored.createdBy,
    note: stored.note,
    revision: stored.revision,
    size_bytes: stored.sizeBytes,
    document,
  }
  await insertRows(database, 'config_backups', [row], transaction)
  const kept = `SELECT id FROM ${table} ORDER BY id DESC LIMIT ${MAX_BACKUPS}`
  await run(database, `DELETE FROM ${table} WHERE id NOT IN (${kept})`, [], transaction)
  return stored
}
