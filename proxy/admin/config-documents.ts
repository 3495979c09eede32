import { z } from 'zod'
import type { Backup, NewBackup, ReplaceOptions, WholeStore } from '../domain/whole-configuration.ts'
import { configDocument, type ConfigDocument, documentOf } from './config-document.ts'
import { differenceOf, shownDifference } from './document-difference.ts'
import { problemsIn, readable, requestInvalid } from './problems.ts'
import { type DocumentRules, readDocument } from './read-document.ts'

export interface DocumentParts extends DocumentRules {
  readonly whole: WholeStore
}

/** What an import has done, or would do. */
export const importedDocument = z.strictObject({
  changes: shownDifference,
  warnings: z.array(z.string()).describe('Channels that cannot serve as they are, and why'),
})
export type ImportedDocument = z.output<typeof importedDocument>

export interface ImportOptions extends ReplaceOptions {
  /** At which host the gateway itself was called. */
  readonly ownHost: string | undefined
}

/** Makes what a document says the configuration. Throws `request_invalid`, and what `WholeStore.replace` throws. */
export async function importDocument(
  parts: DocumentParts,
  document: ConfigDocument,
  { ownHost, ...options }: ImportOptions,
): Promise<ImportedDocument> {
  const replaced = await parts.whole.replace(readDocument(document, parts, ownHost), options)
  return {
    changes: differenceOf(replaced),
    warnings: replaced.faults.map(({ id, name, fault }) => `The channel ${name} (${id}) cannot serve: ${fault}.`),
  }
}

/** A document that comes as JSON. Throws `request_invalid`. */
export function parseDocument(json: unknown): ConfigDocument {
  const { success, data, error } = configDocument.safeParse(json, readable)
  if (!success) throw requestInvalid(problemsIn(error))
  return data
}

/** A backup as it is to be kept: what the document has is what was there. */
export function newBackup(backup: Backup): NewBackup {
  return { ...backup, write: (read) => JSON.stringify(documentOf(read, backup.createdAt)) }
}
