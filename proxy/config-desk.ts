import { configOperations } from './admin/config-operations.ts'
import type { ImportedDocument } from './admin/config-documents.ts'
import { NOBODY } from './domain/operation.ts'
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
  { whole, revision }: Pick<Configuration, 'whole' | 'revision'>,
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
  const perform = async (operationId: string, query: object, body?: object): Promise<object> => {
    const operation = operations.find(({ id }) => id === operationId)
    const call = { params: {}, query: { ...query }, body, actor: NOBODY, expectedRevision: undefined, host: undefined }
    return (await operation?.perform({ ...call, now: Date.now() }))?.body as object // safe: both answer with one
  }
  return {
    exported: () => perform('exportConfig', {}),
    take: async (document, isDryRun) =>
      (await perform('importConfig', { dryRun: String(isDryRun) }, document)) as ImportedDocument, // safe: its schema
  }
}
