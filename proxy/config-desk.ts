import { configOperations } from './admin/config-operations.ts'
import type { ImportedDocument } from './admin/config-documents.ts'
import { type DeskAudit, performingAtDesk } from './desk-operations.ts'
import { compositeProblems } from './route/composite.ts'
import { environmentChannels, type EnvironmentAccounts } from './route/environment.ts'
import { problemsOf } from './route/rules.ts'
import type { Configuration } from './store/configuration.ts'

/** The configuration as one document for who is at the machine. All of it throws `GatewayError` and `StoreError`. */
export interface ConfigDesk {
  exported(): Promise<object>
  /** Of a document that nobody has checked. */
  take(document: object, isDryRun: boolean): Promise<ImportedDocument>
}

export function createConfigDesk(
  accounts: EnvironmentAccounts,
  { whole, revision, audit }: Pick<Configuration, 'whole' | 'revision' | 'audit'>,
  onAuditLost: DeskAudit['onLost'],
): ConfigDesk {
  const environment = environmentChannels(accounts)
  const reload = (): Promise<void> => Promise.resolve() // there is no process to be told
  const operations = configOperations({
    whole,
    revision,
    environment,
    compositeProblems,
    ruleProblems: problemsOf,
    reload,
  })
  const perform = performingAtDesk(operations, { store: audit, onLost: onAuditLost })
  const rehearse = performingAtDesk(operations, undefined)
  return {
    exported: async () => (await perform('exportConfig')) as object, // safe: its schema
    async take(document, isDryRun) {
      const imported = { query: { dryRun: String(isDryRun) }, body: document }
      return (await (isDryRun ? rehearse : perform)('importConfig', imported)) as ImportedDocument // safe: its schema
    },
  }
}
