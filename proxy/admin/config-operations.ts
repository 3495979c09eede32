import { z } from 'zod'
import { configDocument, documentOf, shownDocument } from './config-document.ts'
import { type DocumentParts, importDocument, importedDocument } from './config-documents.ts'
import { countsOf } from './document-difference.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { done } from './schemas.ts'

export interface ConfigParts extends DocumentParts {
  readonly revision: () => Promise<string>
  /** Reads everything that is configured anew into this process. */
  readonly reload: () => Promise<void>
}

export const ofConfig = { tag: 'Configuration', access: 'admin' } as const

/** The configuration as one document, and what is known of it. */
export function configOperations(parts: ConfigParts): readonly DocumentedOperation[] {
  return [exporting(parts), importing(parts), telling(parts), reloading(parts)]
}

function exporting({ whole }: ConfigParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      hasRevision: true,
      id: 'exportConfig',
      method: 'GET',
      path: '/api/config/export',
      summary: 'The whole configuration as one document',
      description:
        'Secrets of channels are in it as they are stored, encrypted under ENCRYPTION_KEY. The keys of callers and the channels of the environment are not.',
      answer: shownDocument,
    },
    async ({ now }) => ({ body: documentOf(await whole.read(), now) }),
  )
}

function importing(parts: ConfigParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      hasRevision: true,
      takesDocument: true,
      id: 'importConfig',
      method: 'POST',
      path: '/api/config/import',
      summary: 'Makes what a document says the configuration, all of it or nothing',
      description:
        'A section that is left out stays as it is. Of the others what is not named goes, except tenants. With dryRun nothing is written, and the answer tells what would change.',
      query: z.strictObject({ dryRun: z.enum(['true', 'false']).default('false') }),
      body: configDocument,
      example: {
        version: 1,
        channels: [
          {
            id: 'anthropic-1',
            pool: 'messages',
            name: 'anthropic-1',
            serviceType: 'claude',
            baseUrl: 'https://api.anthropic.com',
            apiKeys: ['sk-ant-the-key-of-your-account'],
          },
        ],
        settings: { loadBalance: { messages: 'failover', responses: 'failover', chat: 'random', search: 'failover' } },
      },
      answer: done.extend(importedDocument.shape),
      errors: ['conflict'],
    },
    async ({ query, body, expectedRevision, host: ownHost, now }) => {
      const isDryRun = query.dryRun === 'true'
      const imported = await importDocument(parts, body, { ownHost, now, expectedRevision, isDryRun })
      const message = isDryRun ? 'Nothing was written' : 'Configuration imported'
      return {
        body: { success: true, message, ...imported },
        audit: { target: isDryRun ? 'dry run' : 'configuration', after: countsOf(imported.changes) },
      }
    },
  )
}

function telling({ revision }: ConfigParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      hasRevision: true,
      id: 'getConfigRevision',
      method: 'GET',
      path: '/api/config/revision',
      summary: 'The revision of the configuration, which every change raises',
      answer: z.strictObject({ revision: z.string() }),
    },
    async () => ({ body: { revision: await revision() } }),
  )
}

function reloading({ reload }: ConfigParts): DocumentedOperation {
  return operation(
    {
      ...ofConfig,
      id: 'reloadConfig',
      method: 'POST',
      path: '/api/config/reload',
      summary: 'Reads everything that is configured anew, in the process that answers',
      description: 'Changes are noticed without it: this is for those that somebody made in the database by hand.',
      answer: done,
    },
    async () => {
      await reload()
      return { body: { success: true, message: 'Configuration reloaded' } }
    },
  )
}
