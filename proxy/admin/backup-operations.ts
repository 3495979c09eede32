import { z } from 'zod'
import { GatewayError } from '../domain/errors.ts'
import type { Backup, BackupStore, StoredBackup } from '../domain/whole-configuration.ts'
import { shownDocument } from './config-document.ts'
import { type DocumentParts, importDocument, importedDocument, newBackup, parseDocument } from './config-documents.ts'
import { ofConfig } from './config-operations.ts'
import { countsOf } from './document-difference.ts'
import { recordId } from './key-schema.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { done, instant, iso, lines } from './schemas.ts'

export interface BackupParts extends DocumentParts {
  readonly backups: BackupStore
  readonly newBackupId: () => string
}

const params = z.strictObject({ id: recordId.describe('The id of a backup') })
const made = z.strictObject({ id: z.string(), createdAt: instant, size: z.int().describe('In bytes') })
const shownBackup = made.extend({
  note: z.string(),
  createdBy: z.string().describe('The name of the key that asked for it'),
  revision: z.string().describe('Of the configuration that it is a copy of'),
})

/** Copies of the whole configuration that the database keeps. */
export function backupOperations(parts: BackupParts): readonly DocumentedOperation[] {
  return [making(parts), listing(parts), reading(parts), restoring(parts), removing(parts)]
}

function making(parts: BackupParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      id: 'createConfigBackup',
      method: 'POST',
      path: '/api/config/backup',
      summary: 'Keeps a copy of the configuration',
      description: 'The last 50 are kept; the oldest goes.',
      body: z.strictObject({ note: lines(1000).default('') }),
      answer: made,
      status: 201,
    },
    async ({ body: { note }, actor, now }) => {
      const backup = shown(await parts.backups.add(newBackup(backupOf(parts, note, actor.name, now))))
      const { id, createdAt, size } = backup
      return { body: { id, createdAt, size }, audit: { target: id, after: backup } }
    },
  )
}

function listing({ backups }: BackupParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      id: 'listConfigBackups',
      method: 'GET',
      path: '/api/config/backups',
      summary: 'The copies of the configuration that are kept, newest first',
      answer: z.strictObject({ backups: z.array(shownBackup) }),
    },
    async () => ({ body: { backups: (await backups.list()).map(shown) } }),
  )
}

function reading(parts: BackupParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      id: 'getConfigBackup',
      method: 'GET',
      path: '/api/config/backups/{id}',
      summary: 'A copy of the configuration, as an export is',
      params,
      answer: shownDocument,
      errors: ['not_found'],
    },
    async ({ params: { id } }) => {
      return { body: (await textOf(parts, id)) as z.output<typeof shownDocument> } // safe: it was written as one
    },
  )
}

function restoring(parts: BackupParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      hasRevision: true,
      id: 'restoreConfigBackup',
      method: 'POST',
      path: '/api/config/restore/{id}',
      summary: 'Makes a copy the configuration again, after a copy of what is there was made',
      description: 'All or nothing, as an import.',
      params,
      answer: done.extend({ ...importedDocument.shape, backupId: z.string().describe('The copy of what was there') }),
      errors: ['not_found', 'conflict'],
    },
    async ({ params: { id }, actor, expectedRevision, host: ownHost, now }) => {
      const document = parseDocument(await textOf(parts, id))
      const backup = backupOf(parts, `Before the restore of ${id}`, actor.name, now)
      const imported = await importDocument(parts, document, {
        ownHost,
        now,
        expectedRevision,
        isDryRun: false,
        backup: newBackup(backup),
      })
      return {
        body: { success: true, message: 'Configuration restored', ...imported, backupId: backup.id },
        audit: { target: id, after: { ...countsOf(imported.changes), backupId: backup.id } },
      }
    },
  )
}

function removing({ backups }: BackupParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      id: 'deleteConfigBackup',
      method: 'DELETE',
      path: '/api/config/backups/{id}',
      summary: 'Removes a copy',
      params,
      answer: done,
      errors: ['not_found'],
    },
    async ({ params: { id } }) => {
      if (!(await backups.remove(id))) throw new GatewayError('not_found')
      return { body: { success: true, message: 'Backup deleted' }, audit: { target: id } }
    },
  )
}

/** Throws `not_found`. */
async function textOf({ backups }: BackupParts, id: string): Promise<unknown> {
  const text = await backups.find(id)
  if (text === undefined) throw new GatewayError('not_found')
  return JSON.parse(text)
}

function backupOf({ newBackupId }: BackupParts, note: string, createdBy: string, now: number): Backup {
  return { id: newBackupId(), createdAt: now, createdBy, note }
}

function shown({ id, createdAt, sizeBytes, note, createdBy, revision }: StoredBackup): z.output<typeof shownBackup> {
  return { id, createdAt: iso(createdAt), size: sizeBytes, note, createdBy, revision }
}
